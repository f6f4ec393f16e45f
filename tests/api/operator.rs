//! What an operator types: `admin`, and the all-in-one's own messages when something is wrong.

use serde_json::Value;
use std::{
    fs,
    io::Write as _,
    net::TcpListener,
    path::Path,
    process::{Command, Output, Stdio},
};
use tests::{Product, process::program};

pub(crate) fn admin(arguments: &[&str], database: &str, input: Option<&str>) -> Output {
    let mut command = Command::new(program("admin"));
    command.args(arguments).env_clear();
    if !database.is_empty() {
        command.env("DATABASE_URL", database);
    }
    let pipes = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = pipes.spawn().unwrap();
    if let Some(input) = input {
        child
            .stdin
            .as_mut()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
    }
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn an_operator_makes_users_who_can_sign_in() {
    let product = Product::start().await;
    let url = product.database_url();
    let made = admin(
        &["create-user", "grace@example.com", "--role", "admin"],
        &url,
        None,
    );
    assert!(made.status.success(), "{}", text(&made.stderr));
    let out = text(&made.stdout);
    let password = out
        .lines()
        .find_map(|line| line.strip_prefix("Password, shown this once: "))
        .unwrap();
    let grace = product
        .anyone()
        .signed_in("grace@example.com", password)
        .await;
    assert_eq!(grace.get("/me").await.is(200).json()["role"], "admin");

    let piped = admin(
        &["create-user", "alan@example.com", "--password-stdin"],
        &url,
        Some("enigma machine\n"),
    );
    assert!(
        piped.status.success() && !text(&piped.stdout).contains("enigma"),
        "{}",
        text(&piped.stderr)
    );
    let alan = product
        .anyone()
        .signed_in("alan@example.com", "enigma machine")
        .await;
    assert_eq!(alan.get("/me").await.is(200).json()["role"], "user");

    for (arguments, input, reason) in [
        (&["create-user", "GRACE@example.com"][..], None, "taken"),
        (
            &["create-user", "not an address"],
            None,
            "must be an e-mail address",
        ),
        (
            &["create-user", "x@example.com", "--password-stdin"],
            Some("short\n"),
            "at least 8 characters",
        ),
        (
            &["create-user", "x@example.com", "--password-stdin"],
            Some(""),
            "holds no password",
        ),
    ] {
        let refused = admin(arguments, &url, input.or(Some("")));
        assert!(!refused.status.success());
        assert!(
            text(&refused.stderr).contains(reason),
            "{}",
            text(&refused.stderr)
        );
    }
}

#[tokio::test]
async fn migrating_twice_is_migrating_once() {
    let url = match tests::database::fresh_mysql().await {
        Some(url) => url,
        None => format!(
            "sqlite://{}/crm.db",
            tempfile::TempDir::new().unwrap().keep().display()
        ),
    };
    let runs: Vec<_> = (0..3).map(|_| admin(&["migrate"], &url, None)).collect();
    for (index, run) in runs.iter().enumerate() {
        assert!(run.status.success(), "{}", text(&run.stderr));
        let said = text(&run.stdout);
        assert_eq!(
            said.contains("Applied 0001 first light"),
            index == 0,
            "{said}"
        );
        assert!(said.contains("up to date"), "{said}");
    }
    assert!(
        admin(&["create-user", "ada@example.com"], &url, None)
            .status
            .success()
    );
}

#[test]
fn a_missing_or_wrong_database_is_named() {
    for (url, reason) in [
        ("", "DATABASE_URL is not set"),
        ("postgres://x", "DATABASE_URL must begin with mysql://"),
        ("mysql://[", "DATABASE_URL is not a MySQL address"),
    ] {
        let refused = admin(&["migrate"], url, None);
        assert!(!refused.status.success());
        assert!(
            text(&refused.stderr).contains(reason),
            "{url}: {}",
            text(&refused.stderr)
        );
    }
}

#[test]
fn fresh_keys_are_whole_and_never_the_same() {
    let runs = [0, 1].map(|_| text(&admin(&["keys", "generate"], "", None).stdout));
    assert_ne!(runs[0], runs[1]);
    let value = |name: &str| {
        let line = runs[0]
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{name}='")))
            .unwrap();
        line.trim_end_matches('\'').to_owned()
    };
    let [private, public] = ["SIGNING_KEYS", "VERIFYING_KEYS"]
        .map(|name| serde_json::from_str::<Value>(&value(name)).unwrap());
    assert_eq!(private["keys"][0]["kid"], public["keys"][0]["kid"]);
    assert!(private["keys"][0]["d"].is_string() && public["keys"][0].get("d").is_none());
    assert_eq!(
        (
            value("REFRESH_KEY").len(),
            value("IMAGE_URL_KEYS").split_once(':').unwrap().1.len(),
            value("PRIVACY_KEY").len()
        ),
        (43, 22, 43)
    );
}

#[test]
fn keys_change_in_three_steps_that_cannot_be_taken_out_of_order() {
    let step = |step: &str, keys: &str| {
        let keys = keys.lines().filter_map(|line| line.split_once('='));
        let mut command = Command::new(program("admin"));
        command.args(["keys", "rotate", step]).env_clear();
        command.envs(keys.map(|(name, value)| (name, value.trim_matches('\''))));
        command.output().unwrap()
    };
    let first = text(&admin(&["keys", "generate"], "", None).stdout);
    let early = step("sign", &first);
    assert!(!early.status.success() && text(&early.stderr).contains("publish one first"));
    let mut keys = first;
    for (name, signing, verifying) in [("publish", 2, 2), ("sign", 2, 2), ("retire", 1, 1)] {
        keys = text(&step(name, &keys).stdout);
        let count = |variable: &str| {
            let line = keys
                .lines()
                .find_map(|line| line.strip_prefix(&format!("{variable}='")))
                .unwrap();
            line.matches("\"kid\"").count()
        };
        assert_eq!(
            (count("SIGNING_KEYS"), count("VERIFYING_KEYS")),
            (signing, verifying),
            "{name}"
        );
    }
    let missing = Command::new(program("admin"))
        .args(["keys", "rotate", "sign"])
        .env_clear()
        .output()
        .unwrap();
    let said = text(&missing.stderr);
    for variable in ["SIGNING_KEYS", "VERIFYING_KEYS", "IMAGE_URL_KEYS"] {
        assert!(said.contains(&format!("{variable} is not set")), "{said}");
    }
}

#[test]
fn the_all_in_one_says_what_is_wrong_and_what_to_do() {
    let folder = tempfile::TempDir::new().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().port().to_string();
    let data = folder.path().to_str().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let ports = ["--https-port", "0", "--http-port", "0"];
    for (arguments, env, reason) in [
        (
            vec!["--https-port", &taken, "--data", data],
            None,
            "choose another with --https-port",
        ),
        (
            [&ports[..], &["--data", file.to_str().unwrap()]].concat(),
            None,
            "cannot be made",
        ),
        (
            [&ports[..], &["--data", data]].concat(),
            Some(("PUBLIC_BASE_URL", "http://crm.example.com")),
            "PUBLIC_BASE_URL must begin with https://",
        ),
        (
            [&ports[..], &["--data", data]].concat(),
            Some(("ADMIN_PASSWORD", "short")),
            "at least 8 characters",
        ),
        (vec!["--nonsense"], None, "--help"),
    ] {
        // A port that is free again would let it run: the listener above must live.
        let mut command = Command::new(program("local"));
        let output = command
            .args(&arguments)
            .envs(env)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = text(&output.stderr);
        assert!(
            !output.status.success() && said.contains(reason),
            "{arguments:?}: {said}"
        );
    }
}

/// What the documents tell an operator to type after `admin`, and to give the job that is the same program.
fn commands() -> Vec<(String, Vec<String>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let docs = fs::read_dir(root.join("docs")).unwrap();
    let docs = docs.map(|entry| entry.unwrap().path());
    let mut commands = Vec::new();
    for file in docs.chain([root.join("README.md")]) {
        let Some("md") = file.extension().and_then(|end| end.to_str()) else {
            continue;
        };
        let text = fs::read_to_string(&file).unwrap();
        for (before, gap) in [("`admin ", ' '), ("-p admin -- ", ' '), ("--args=", ',')] {
            let ends = |c: char| "`\n|>)\"".contains(c) || c == ' ' && gap == ',';
            let typed = text.split(before).skip(1);
            commands.extend(typed.map(|rest| {
                let words = rest.split(ends).next().unwrap().split(gap);
                (
                    file.display().to_string(),
                    words.map(str::to_owned).collect(),
                )
            }));
        }
    }
    commands
}

#[test]
fn every_command_that_a_document_tells_an_operator_to_type_is_there() {
    let commands = commands();
    assert!(commands.len() > 20, "{commands:?}");
    // `admin …` stands for any of them.
    for (file, words) in commands.into_iter().filter(|(_, words)| words[0] != "…") {
        let word = |word: &&str| {
            word.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
        };
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let named = words
            .iter()
            .copied()
            .take_while(|one| word(one) && !one.starts_with('-'));
        let asked: Vec<_> = named.chain(["--help"]).collect();
        let help = admin(&asked, "", None);
        let said = text(&help.stdout);
        assert!(
            asked.len() > 1 && help.status.success(),
            "{file}: {words:?}: {}",
            text(&help.stderr)
        );
        for flag in words.iter().filter(|one| one.starts_with("--")) {
            assert!(
                said.contains(*flag),
                "{file}: {words:?}: no {flag} in {said}"
            );
        }
    }
}
