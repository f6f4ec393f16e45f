//! Linking and unlinking, and everything by which somebody could come into another person's account.

use crate::oauth::{VERIFIED, at_once, linking, me, refused};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use tests::{
    ADMIN, Answer, PASSWORD, SignIn, Visitor,
    database::execute_slowly,
    visitor::{parameter, with},
};

const GOOGLE: &str = "/me/identities/google";
const FACEBOOK: &str = "/me/identities/facebook";

/// Signs somebody in through a provider; gives them with their access token.
async fn signed_in(rig: &SignIn, provider: &str) -> Visitor {
    let mut visitor = rig.visitor();
    let path = format!("/login/{provider}");
    let tokens = visitor.sign_in(&path).await.is(200).json();
    let token = tokens["access_token"].as_str().unwrap();
    visitor.client = visitor.client.with_token(token);
    visitor
}

/// Links a provider to whoever has this address and a password.
async fn link(rig: &SignIn, email: &str, provider: &str) {
    let (mut visitor, back) = linking(rig, email, provider).await;
    let linked = visitor.get(&back).await.is(200);
    assert_eq!(linked.json(), json!({ "linked": provider }));
    assert!(visitor.cookies.is_empty(), "{:?}", visitor.cookies);
}

#[tokio::test]
async fn somebody_links_both_providers_and_unlinks_them_again() {
    let rig = SignIn::start_with([("RETURN_TO", "/account".to_owned())]).await;
    let bo = rig.user("bo@example.com").await;
    link(&rig, "bo@example.com", "google").await;
    // With a page to come back to, and the address at the provider does not matter.
    let mut visitor = rig.visitor();
    visitor.client = bo.clone();
    let flow = visitor.begin_link("facebook?return_to=/account").await;
    let done = visitor.get(&flow.agree().await).await.is(303);
    let location = done.header("location");
    assert_eq!(location.trim_end_matches('#'), "/account?linked=facebook");
    assert!(
        !visitor.cookies.contains_key("__Host-refresh"),
        "linking is no sign-in"
    );
    let providers = async || bo.get("/me").await.is(200).json()["providers"].clone();
    assert_eq!(providers().await, json!(["facebook", "google"]));
    for provider in ["google", "facebook"] {
        let client = signed_in(&rig, provider).await.client;
        let me = client.get("/me").await.is(200).json();
        assert_eq!(me["email"], "bo@example.com");
    }
    bo.delete(FACEBOOK).await.is(204);
    assert_eq!(providers().await, json!(["google"]));
    bo.delete(FACEBOOK).await.problem(404, "not_found");
    let mut visitor = rig.visitor();
    refused(
        &rig,
        visitor.sign_in("/login/facebook"),
        403,
        "not_registered",
    )
    .await;
    // There is the password still.
    bo.delete(GOOGLE).await.is(204);
    assert_eq!(providers().await, json!([]));
    // Linking the same again is fine, and so is doing it twice.
    link(&rig, "bo@example.com", "google").await;
    link(&rig, "bo@example.com", "google").await;
    assert_eq!(rig.identities().await, 1);
}

#[tokio::test]
async fn the_last_way_in_cannot_be_unlinked() {
    let rig = SignIn::start().await;
    rig.register(VERIFIED).await;
    let ada = signed_in(&rig, "google").await;
    ada.client.delete(GOOGLE).await.problem(409, "last_way_in");
    ada.client.get("/me").await.is(200);
    signed_in(&rig, "google").await;
    // With a second provider the first may go, and then the second is the last.
    let mut visitor = ada.clone();
    let back = visitor.begin_link("facebook").await.agree().await;
    visitor.get(&back).await.is(200);
    ada.client.delete(GOOGLE).await.is(204);
    ada.client
        .delete(FACEBOOK)
        .await
        .problem(409, "last_way_in");
    // A password is a way in.
    let admin = rig.product.admin().await;
    let password = json!({ "password": PASSWORD });
    admin.patch("/users/2", password).await.is(200);
    let ada = rig.by_password(VERIFIED).await;
    ada.delete(FACEBOOK).await.is(204);
    // Who is not signed in, and who is somebody else, unlinks nothing of anybody.
    let anyone = rig.product.anyone();
    anyone.delete(GOOGLE).await.problem(401, "unauthenticated");
    admin.delete(GOOGLE).await.problem(404, "not_found");
}

#[tokio::test]
async fn two_unlinks_at_once_leave_a_way_in() {
    let rig = SignIn::start().await;
    rig.register(VERIFIED).await;
    for round in 0..12 {
        let ada = signed_in(&rig, "google").await;
        let mut visitor = ada.clone();
        let back = visitor.begin_link("facebook").await.agree().await;
        visitor.get(&back).await.is(200);
        let unlinks = [GOOGLE, FACEBOOK].map(|path| {
            let client = ada.client.clone();
            async move { client.delete(path).await }
        });
        let mut done: Vec<_> = at_once(unlinks.into_iter())
            .await
            .iter()
            .map(|answer| answer.status.as_u16())
            .collect();
        done.sort_unstable();
        assert_eq!(done, [204, 409], "round {round}");
        assert_eq!(rig.identities().await, 1);
        let sql = "DELETE FROM identities";
        tests::database::execute(&rig.product.database_url(), sql).await;
    }
}

#[tokio::test]
async fn r11_many_accounts_with_one_address_at_once_make_one_link() {
    let rig = SignIn::start().await;
    rig.register(VERIFIED).await;
    let mut backs = Vec::new();
    for sub in 0..8 {
        rig.google.somebody(&sub.to_string(), VERIFIED);
        let mut visitor = rig.visitor();
        let back = visitor.begin("/login/google").await.agree().await;
        backs.push((visitor, back));
    }
    let all = backs
        .into_iter()
        .map(|(mut visitor, back)| async move { visitor.get(&back).await });
    let answers = at_once(all).await;
    let count = |status: u16| {
        let of = |answer: &&Answer| answer.status.as_u16() == status;
        answers.iter().filter(of).count()
    };
    assert_eq!((count(200), count(403)), (1, 7), "{answers:?}");
    assert_eq!(rig.identities().await, 1);
}

#[tokio::test]
async fn an_identity_is_one_person_s_and_a_person_has_one_at_a_provider() {
    let rig = SignIn::start().await;
    for email in ["bo@example.com", "cy@example.com"] {
        rig.user(email).await;
    }
    link(&rig, "bo@example.com", "google").await;
    let (mut cy, back) = linking(&rig, "cy@example.com", "google").await;
    refused(&rig, cy.get(&back), 409, "identity_taken").await;
    rig.google.somebody("another", "another@example.com");
    let (mut bo, back) = linking(&rig, "bo@example.com", "google").await;
    refused(&rig, bo.get(&back), 409, "identity_taken").await;
    let owner = "SELECT user_id FROM identities WHERE provider = 'google'";
    assert_eq!(rig.number(owner).await, 2);
    // Two at once, for the same account at the provider.
    rig.facebook.person(json!({ "id": "shared" }));
    let mut both = Vec::new();
    for email in ["bo@example.com", "cy@example.com"] {
        both.push(linking(&rig, email, "facebook").await);
    }
    let all = both
        .into_iter()
        .map(|(mut visitor, back)| async move { visitor.get(&back).await });
    let answers = at_once(all).await;
    let mut done: Vec<_> = answers
        .iter()
        .map(|answer| answer.status.as_u16())
        .collect();
    done.sort_unstable();
    assert_eq!(done, [200, 409]);
}

#[tokio::test]
async fn linking_wants_the_session_in_which_it_began() {
    let rig = SignIn::start().await;
    let anyone = rig.visitor();
    let request = anyone.request(Method::POST, GOOGLE);
    Answer::of(request).await.problem(401, "unauthenticated");
    let admin = rig.product.admin().await;
    let off = json!({ "status": "disabled" });
    for (id, how) in [
        (2, "signed out"),
        (3, "disabled"),
        (4, "deleted"),
        (5, "session ended"),
    ] {
        let email = format!("{id}@example.com");
        rig.user(&email).await;
        let (mut visitor, back) = linking(&rig, &email, "google").await;
        let (client, path) = (visitor.client.clone(), format!("/users/{id}"));
        match how {
            "signed out" => client.post("/logout", json!({})).await.is(204),
            "disabled" => admin.patch(&path, off.clone()).await.is(200),
            "deleted" => admin.delete(&path).await.is(204),
            _ => {
                let sessions = client.get("/me/sessions").await.is(200).json();
                let id = sessions["data"][0]["id"].as_str().unwrap().to_owned();
                client.delete(&format!("/me/sessions/{id}")).await.is(204)
            }
        };
        println!("{how}");
        refused(&rig, visitor.get(&back), 401, "unauthenticated").await;
    }
    // Another user, or another session, does not stand in for it.
    rig.user("bo@example.com").await;
    let (mut visitor, back) = linking(&rig, "bo@example.com", "google").await;
    let client = visitor.client.clone();
    visitor.client = admin;
    visitor.get(&back).await.is(200);
    let me = client.get("/me").await.is(200).json();
    assert_eq!(
        me["providers"],
        json!(["google"]),
        "it is linked to whoever began"
    );
}

#[tokio::test]
async fn an_attacker_s_account_cannot_be_linked_to_a_victim() {
    let rig = SignIn::start().await;
    for email in ["victim@example.com", "mallory@example.com"] {
        rig.user(email).await;
    }
    rig.google.somebody("666", "mallory@example.com");
    let (mut attacker, evil) = linking(&rig, "mallory@example.com", "google").await;
    rig.google.somebody("1", "victim@example.com");
    // The attacker's way back in the victim's browser: without a flow, and in the middle of the victim's own.
    let mut victim = rig.visitor();
    victim.client = rig.by_password("victim@example.com").await;
    refused(&rig, victim.get(&evil), 400, "invalid_state").await;
    let own = victim.begin_link("google").await.agree().await;
    refused(&rig, victim.get(&evil), 400, "invalid_state").await;
    // The attacker's code in the victim's own way back: its challenge is another.
    let injected = with(&own, "code", parameter(&evil, "code").as_deref());
    refused(&rig, victim.clone().get(&injected), 400, "provider_denied").await;
    // And the other way round: the victim's code, which somebody overheard, in the attacker's link.
    let second = attacker.begin_link("google").await.agree().await;
    let stolen = with(&second, "code", parameter(&own, "code").as_deref());
    refused(&rig, attacker.get(&stolen), 400, "provider_denied").await;
    // A sign-in does not become a link, nor a link a sign-in.
    let mut visitor = rig.visitor();
    visitor.client = rig.by_password("victim@example.com").await;
    let back = visitor.begin("/login/google").await.agree().await;
    let tokens = visitor.get(&back).await.is(200).json();
    assert_eq!(me(&rig, &tokens).await["email"], "victim@example.com");
    assert_eq!(rig.identities().await, 1);
}

/// The sign-in of a victim who comes after an attacker has prepared something: what they are, or what refuses them.
async fn victim_comes(rig: &SignIn) -> Result<Value, String> {
    rig.google.somebody("victim", "victim@example.com");
    let answer = rig.visitor().sign_in("/login/google").await;
    match answer.status.as_u16() {
        200 => Ok(me(rig, &answer.json()).await),
        _ => Err(answer.json()["code"].as_str().unwrap().to_owned()),
    }
}

// The five kinds of account pre-hijacking: Sudhodanan and Paverd, "Pre-hijacked accounts", 2022.

#[tokio::test]
async fn r12_classic_federated_merge_nobody_makes_an_account_with_another_s_address() {
    let rig = SignIn::start().await;
    let mallory = rig.user("mallory@example.com").await;
    let new = json!({ "email": "victim@example.com", "password": PASSWORD });
    let anyone = rig.product.anyone();
    anyone
        .post("/users", new.clone())
        .await
        .problem(401, "unauthenticated");
    mallory.post("/users", new).await.problem(403, "forbidden");
    assert_eq!(victim_comes(&rig).await, Err("not_registered".to_owned()));
    assert_eq!(rig.number("SELECT COUNT(*) FROM users").await, 2);
    // Signing in through a provider makes no account either.
    let mut visitor = rig.visitor();
    refused(
        &rig,
        visitor.sign_in("/login/google"),
        403,
        "not_registered",
    )
    .await;
}

#[tokio::test]
async fn r12_unexpired_session_an_administrator_s_reset_ends_the_attacker_s_sessions() {
    let rig = SignIn::start().await;
    // Somebody got hold of the account before its owner came, and keeps a session alive.
    let mallory = rig.user("victim@example.com").await;
    let refresh = mallory.refresh.clone().unwrap();
    let victim = victim_comes(&rig).await.unwrap();
    assert_eq!(victim["email"], "victim@example.com");
    let admin = rig.product.admin().await;
    let path = format!("/users/{}", victim["id"]);
    let reset = json!({ "password": "another horse, another battery" });
    admin.patch(&path, reset).await.is(200);
    let body = json!({ "refresh_token": refresh });
    let answer = rig.product.anyone().post("/token", body).await;
    answer.problem(401, "invalid_refresh_token");
    let answer = rig
        .product
        .anyone()
        .post(
            "/login",
            json!({ "email": "victim@example.com", "password": PASSWORD }),
        )
        .await;
    answer.problem(401, "invalid_credentials");
    // The owner's own way in stays.
    assert!(victim_comes(&rig).await.is_ok());
}

#[tokio::test]
async fn r12_trojan_identifier_an_attacker_s_identity_keeps_the_owner_s_from_joining_it() {
    let rig = SignIn::start().await;
    rig.user("victim@example.com").await;
    // Somebody who had the account for a while linked their own identities to it.
    rig.google.somebody("666", "mallory@example.com");
    link(&rig, "victim@example.com", "google").await;
    // The owner is not let into an account that somebody else can enter, and is told by whom to be helped.
    assert_eq!(victim_comes(&rig).await, Err("not_registered".to_owned()));
    // The owner's password still shows what is linked, and takes it away.
    let owner = rig.by_password("victim@example.com").await;
    let me = owner.get("/me").await.is(200).json();
    assert_eq!(me["providers"], json!(["google"]));
    owner.delete(GOOGLE).await.is(204);
    assert!(victim_comes(&rig).await.is_ok());
    rig.google.somebody("666", "mallory@example.com");
    let mut attacker = rig.visitor();
    refused(
        &rig,
        attacker.sign_in("/login/google"),
        403,
        "not_registered",
    )
    .await;
}

#[tokio::test]
async fn r12_unexpired_email_change_nobody_changes_an_address_at_all() {
    let rig = SignIn::start().await;
    let mallory = rig.user("mallory@example.com").await;
    let admin = rig.product.admin().await;
    let change = json!({ "email": "victim@example.com" });
    let unknown = [("email", "unknown_field")];
    admin
        .patch("/users/2", change.clone())
        .await
        .invalid(&unknown);
    mallory
        .patch("/users/2", change.clone())
        .await
        .problem(403, "forbidden");
    for path in ["/me", "/me/email"] {
        for answer in [
            mallory.patch(path, change.clone()).await,
            mallory.put(path, change.clone()).await,
        ] {
            let status = answer.status.as_u16();
            assert!(status == 404 || status == 405, "{path}: {status}");
        }
    }
    assert_eq!(victim_comes(&rig).await, Err("not_registered".to_owned()));
}

#[tokio::test]
async fn r12_non_verifying_provider_an_address_that_nobody_proved_links_nothing() {
    let rig = SignIn::start().await;
    rig.register("victim@example.com").await;
    rig.google
        .person(json!({ "sub": "666", "email": "victim@example.com", "email_verified": false }));
    let mut attacker = rig.visitor();
    refused(
        &rig,
        attacker.sign_in("/login/google"),
        403,
        "email_not_verified",
    )
    .await;
    for person in [
        json!({ "id": "666", "email": "victim@example.com" }),
        json!({ "id": "666", "email": ADMIN, "email_verified": true, "verified": true }),
    ] {
        rig.facebook.person(person);
        let mut attacker = rig.visitor();
        refused(
            &rig,
            attacker.sign_in("/login/facebook"),
            403,
            "not_registered",
        )
        .await;
    }
    let victim = victim_comes(&rig).await.unwrap();
    assert_eq!(victim["providers"], json!(["google"]));
}

#[tokio::test]
async fn what_somebody_did_with_a_deleted_account_is_not_the_next_one_s() {
    let rig = SignIn::start().await;
    rig.register(VERIFIED).await;
    signed_in(&rig, "google").await;
    let admin = rig.product.admin().await;
    admin.delete("/users/2").await.is(204);
    assert_eq!(rig.identities().await, 0);
    // The same address again is a new person, whom the old identity's address links anew, by its rules.
    let new = rig.register(VERIFIED).await;
    let ada = signed_in(&rig, "google").await.client;
    assert_eq!(ada.get("/me").await.is(200).json()["id"], new["id"]);
}

#[tokio::test]
async fn a_link_that_waits_while_its_session_is_ended_is_refused() {
    let rig = SignIn::start().await;
    rig.user("bo@example.com").await;
    let (mut thief, back) = linking(&rig, "bo@example.com", "google").await;
    // What an administrator's new password does, slowly: the link is in the middle of it.
    let bo = rig.number("SELECT MAX(id) FROM users").await;
    let reset = [
        format!("UPDATE users SET status = status WHERE id = {bo}"),
        format!("UPDATE sessions SET ended_at = 1 WHERE user_id = {bo}"),
    ];
    let url = rig.product.database_url();
    let (linked, ()) = tokio::join!(
        async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            thief.get(&back).await
        },
        execute_slowly(&url, reset, Duration::from_millis(1_200)),
    );
    linked.problem(401, "unauthenticated");
    assert_eq!(rig.identities().await, 0);
}
