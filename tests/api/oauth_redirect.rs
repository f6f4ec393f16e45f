//! Attacks on where people are sent: nothing that a request says about itself moves the redirect URI or anything else.

use crate::oauth::{VERIFIED, refused};
use reqwest::{Method, StatusCode, Version, redirect::Policy};
use std::net::SocketAddr;
use tests::{Answer, Flow, SignIn, Visitor};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use url::{Url, form_urlencoded::byte_serialize};

/// Signs in while every request says this beside: through the gateway, and at auth itself. Nothing may come of it.
async fn forged(headers: &[(&'static str, &'static str)]) {
    let rig = SignIn::start_with([("RETURN_TO", "/welcome".to_owned())]).await;
    rig.register(VERIFIED).await;
    let expected = format!("{}/login/google/callback", rig.product.base);
    let instance = rig.instance([("RETURN_TO", "/welcome".to_owned())]).await;
    let through_the_gateway = Visitor::with(rig.product.anyone_old());
    for mut visitor in [through_the_gateway, instance.visitor()] {
        visitor.headers = headers.to_vec();
        for (path, status) in [
            ("/login/google", 200),
            ("/login/google?return_to=/welcome", 303),
        ] {
            let begun = visitor.get(path).await.is(200);
            unmoved(&begun);
            let flow = Flow::of(begun);
            assert_eq!(
                flow.sent("redirect_uri"),
                Some(expected.clone()),
                "the first leg"
            );
            let done = visitor.get(&flow.agree().await).await.is(status);
            unmoved(&done);
            let asked = rig.google.server.asked("/token");
            let sent = asked.last().unwrap().get("redirect_uri");
            assert_eq!(sent, Some(expected.as_str()), "the second leg");
        }
        let html = visitor
            .request(Method::GET, "/login/google")
            .header("accept", "text/html");
        unmoved(&Answer::of(html).await.is(303));
        unmoved(&visitor.get("/login/github").await.is(404));
        unmoved(&visitor.get("/login/google/callback?code=1").await.is(400));
    }
}

/// Asserts that nothing of what was forged comes back.
#[track_caller]
fn unmoved(answer: &Answer) {
    let whole = format!("{:?}{}", answer.headers, answer.text()).to_lowercase();
    // Not the bare word: chance writes any four letters into a sealed cookie now and then.
    let traces = [
        "evil.example",
        "/evil",
        "%2fevil",
        "=evil",
        "http://localhost",
        ":6666",
    ];
    for trace in traces {
        assert!(!whole.contains(trace), "{trace}: {whole}");
    }
}

#[tokio::test]
async fn d1_a_forged_host_moves_nothing() {
    forged(&[("host", "evil.example")]).await;
}

#[tokio::test]
async fn d2_a_forged_x_forwarded_host_moves_nothing() {
    forged(&[("x-forwarded-host", "evil.example")]).await;
}

#[tokio::test]
async fn d3_a_forged_x_forwarded_proto_moves_nothing() {
    forged(&[
        ("x-forwarded-proto", "http"),
        ("x-forwarded-scheme", "http"),
    ])
    .await;
}

#[tokio::test]
async fn d4_a_forged_x_forwarded_port_moves_nothing() {
    forged(&[("x-forwarded-port", "6666")]).await;
}

#[tokio::test]
async fn d5_a_forged_forwarded_moves_nothing() {
    forged(&[("forwarded", "for=6.6.6.6;host=evil.example:6666;proto=http")]).await;
}

#[tokio::test]
async fn d6_a_forged_original_url_moves_nothing() {
    forged(&[
        (
            "x-original-url",
            "/login/google?return_to=https://evil.example",
        ),
        ("x-original-host", "evil.example"),
    ])
    .await;
}

#[tokio::test]
async fn d7_a_forged_rewrite_or_prefix_moves_nothing() {
    forged(&[
        ("x-rewrite-url", "https://evil.example/"),
        ("x-forwarded-prefix", "/evil"),
        ("x-forwarded-server", "evil.example"),
        ("x-forwarded-path", "/evil"),
    ])
    .await;
}

#[tokio::test]
async fn d8_forgeries_in_mixed_case_move_nothing() {
    forged(&[
        ("X-FoRwArDeD-hOsT", "EvIl.example"),
        ("FORWARDED", "Host=\"evil.example\";Proto=HTTP"),
        ("X-Forwarded-PROTO", "HTTP"),
        ("HOST", "evil.example:6666"),
    ])
    .await;
    // As it stands on the wire: the client above writes names in small letters.
    raw(&[(
        "GET /login/google HTTP/1.1\r\nhOsT: EvIl.example\r\nX-FoRwArDeD-hOsT: EvIl.example\r\nFoRwArDeD: HoSt=EvIl.example",
        false,
    )])
    .await;
}

#[tokio::test]
async fn d9_forgeries_that_come_twice_move_nothing() {
    forged(&[
        ("x-forwarded-host", "localhost"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-host", "evil.example, localhost"),
        ("forwarded", "host=localhost"),
        ("forwarded", "host=evil.example, host=localhost"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-proto", "http"),
    ])
    .await;
}

#[tokio::test]
async fn d10_a_forged_authority_of_http2_moves_nothing() {
    let rig = SignIn::start().await;
    let instance = rig.instance([]).await;
    let address: SocketAddr = instance
        .process
        .address()
        .trim_start_matches("http://")
        .parse()
        .unwrap();
    // reqwest wants a TLS provider even for plain HTTP; the rig's own client installs it.
    drop(tests::plain(true));
    let client = reqwest::Client::builder()
        .http2_prior_knowledge()
        .no_proxy()
        .redirect(Policy::none())
        .resolve("evil.example", address)
        .build()
        .unwrap();
    let authority = format!("http://evil.example:{}", address.port());
    for path in ["/login/google", "/login/facebook"] {
        let answer = Answer::of(client.get(format!("{authority}{path}")))
            .await
            .is(200);
        assert_eq!(answer.version, Version::HTTP_2);
        unmoved(&answer);
        let uri = Url::parse(answer.json()["uri"].as_str().unwrap()).unwrap();
        let sent = uri.query_pairs().find(|(name, _)| name == "redirect_uri");
        let expected = format!("{}{path}/callback", rig.product.base);
        assert_eq!(sent.unwrap().1, expected);
    }
    let callback = client.get(format!("{authority}/login/google/callback"));
    unmoved(&Answer::of(callback).await.is(400));
}

/// Begins a sign-in at auth with heads as they stand on the wire; some of them may also be refused.
async fn raw(heads: &[(&str, bool)]) {
    let rig = SignIn::start().await;
    let instance = rig.instance([]).await;
    let address = instance.process.address();
    let callback = format!("{}/login/google/callback", rig.product.base);
    let callback: String = byte_serialize(callback.as_bytes()).collect();
    for (head, may_be_refused) in heads {
        let mut stream = TcpStream::connect(address.trim_start_matches("http://"))
            .await
            .unwrap();
        let request = format!("{head}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer);
        let moved = answer.to_lowercase().contains("evil.example");
        assert!(!moved, "{head}: {answer}");
        let refused = *may_be_refused && answer.starts_with("HTTP/1.1 400");
        assert!(refused || answer.contains(&callback), "{head}: {answer}");
    }
}

#[tokio::test]
async fn d11_an_absolute_target_or_two_hosts_move_nothing() {
    raw(&[
        (
            "GET http://evil.example/login/google HTTP/1.1\r\nHost: evil.example",
            false,
        ),
        (
            "GET https://evil.example:6666/login/google HTTP/1.1\r\nHost: localhost",
            false,
        ),
        (
            "GET /login/google HTTP/1.1\r\nHost: localhost\r\nHost: evil.example",
            true,
        ),
        (
            "GET /login/google HTTP/1.1\r\nHost: evil.example\r\nHost: localhost",
            true,
        ),
        ("GET /login/google HTTP/1.0", true),
    ])
    .await;
}

#[tokio::test]
async fn d12_everything_forged_at_once_moves_nothing() {
    forged(&[
        ("host", "evil.example:6666"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-port", "6666"),
        ("x-forwarded-for", "6.6.6.6"),
        ("forwarded", "host=evil.example;proto=http"),
        ("x-original-url", "http://evil.example/"),
        ("x-rewrite-url", "http://evil.example/"),
        ("x-host", "evil.example"),
        ("front-end-https", "off"),
        ("origin", "https://evil.example"),
        ("referer", "https://evil.example/login"),
    ])
    .await;
}

#[tokio::test]
async fn d13_nobody_is_sent_to_an_address_that_is_not_listed() {
    let rig = SignIn::start_with([("RETURN_TO", "/,/welcome".to_owned())]).await;
    rig.register(VERIFIED).await;
    for elsewhere in [
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/%2f%2fevil.example",
        "%2f%2fevil.example",
        "/%5cevil.example",
        "https:evil.example",
        "https://evil.example",
        "https:/\\evil.example",
        "HTTPS://evil.example/",
        "javascript:alert(1)",
        "data:text/html,evil",
        "/welcome\r\nSet-Cookie: a=b",
        "/welcome\r\n\r\n<script>",
        "/welcome\n",
        "/welcome\t",
        "\t/welcome",
        " /welcome",
        "/welcome ",
        "/welcome\0",
        "/welcome/",
        "/Welcome",
        "/welcome?next=//evil.example",
        "/welcome#evil",
        "/welcome/../evil",
        "/./welcome",
        "/welcome;evil",
        "/evil",
        "welcome",
        ".",
        "",
        "@evil.example",
        "/@evil.example",
        "//localhost@evil.example/welcome",
        "/welcome,/",
        "/,/welcome",
        "*",
    ] {
        let encoded: String = byte_serialize(elsewhere.as_bytes()).collect();
        let path = format!("/login/google?return_to={encoded}");
        let mut visitor = rig.visitor();
        let answer = visitor.get(&path).await;
        assert_eq!(
            answer.header("content-type"),
            "application/problem+json",
            "{elsewhere:?}"
        );
        assert!(
            [StatusCode::BAD_REQUEST, StatusCode::UNPROCESSABLE_ENTITY].contains(&answer.status),
            "{elsewhere:?}: {}",
            answer.text()
        );
        assert!(visitor.cookies.is_empty(), "{elsewhere:?}");
        let html = visitor
            .request(Method::GET, &path)
            .header("accept", "text/html");
        let html = Answer::of(html).await;
        assert!(html.header("location").is_empty() && !html.status.is_redirection());
    }
    for listed in ["/", "/welcome"] {
        let path = format!("/login/google?return_to={listed}");
        let answer = rig.visitor().sign_in(&path).await.is(303);
        let absolute = format!("{}{listed}", rig.product.base);
        let location = answer.header("location");
        let location = location.split('#').next().unwrap();
        assert!(
            [listed, absolute.as_str()].contains(&location),
            "{location}"
        );
    }
}

#[tokio::test]
async fn d14_what_a_caller_adds_to_the_query_moves_nothing() {
    let rig = SignIn::start_with([("RETURN_TO", "/welcome".to_owned())]).await;
    rig.register(VERIFIED).await;
    let expected = format!("{}/login/google/callback", rig.product.base);
    for added in [
        "redirect_uri=https://evil.example/",
        "client_id=evil",
        "state=evil",
        "nonce=evil",
        "scope=evil",
        "code_challenge=evil&code_challenge_method=plain",
        "response_mode=form_post",
        "provider=evil",
        "return_to=/welcome&return_to=https://evil.example",
        "return_to=/welcome&redirect_uri=https://evil.example/",
        "RETURN_TO=https://evil.example",
    ] {
        let answer = rig.visitor().get(&format!("/login/google?{added}")).await;
        unmoved(&answer);
        if answer.status != StatusCode::OK {
            assert_eq!(
                answer.status,
                StatusCode::BAD_REQUEST,
                "{added}: {}",
                answer.text()
            );
            continue;
        }
        let uri = answer.json()["uri"].as_str().unwrap().to_owned();
        assert_eq!(
            tests::visitor::parameter(&uri, "redirect_uri"),
            Some(expected.clone())
        );
    }
    // Nor what is added to the way back.
    let mut visitor = rig.visitor();
    let back = visitor.begin("/login/google").await.agree().await;
    for added in [
        "return_to=https://evil.example",
        "redirect_uri=https://evil.example",
    ] {
        let answer = Answer::of(visitor.request(Method::GET, &format!("{back}&{added}"))).await;
        unmoved(&answer);
        assert_ne!(answer.status, StatusCode::SEE_OTHER);
    }
}

#[tokio::test]
async fn one_provider_s_answer_is_not_taken_for_the_other_s() {
    let rig = SignIn::start().await;
    rig.register(VERIFIED).await;
    for (own, other) in [("google", "facebook"), ("facebook", "google")] {
        let mut visitor = rig.visitor();
        let back = visitor.begin(&format!("/login/{own}")).await.agree().await;
        let crossed = back.replace(&format!("/{own}/"), &format!("/{other}/"));
        refused(&rig, visitor.get(&crossed), 400, "invalid_state").await;
    }
    // RFC 9207: the answer says who gives it, and at a provider that says that it always does, none may lack it.
    for issuer in [
        Some("https://evil.example"),
        Some(""),
        Some("https://www.facebook.com"),
        None,
    ] {
        let mut visitor = rig.visitor();
        let back = visitor.begin("/login/google").await.agree().await;
        let mixed = tests::visitor::with(&back, "iss", issuer);
        refused(&rig, visitor.get(&mixed), 400, "invalid_state").await;
    }
    assert_eq!(rig.google.server.hits("/token"), 0);
    assert_eq!(rig.facebook.server.hits("/v99.0/oauth/access_token"), 0);
}
