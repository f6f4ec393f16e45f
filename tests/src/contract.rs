//! The OpenAPI document as a judge: every answer that a test sees must be in it, with its method, status, headers and
//! body.

use crate::Answer;
use jsonschema::Validator;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    fs,
    path::Path,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

/// Headers that an answer has only where the document says so.
const TOLD: [&str; 7] = [
    "ETag",
    "Idempotency-Replayed",
    "Link",
    "Location",
    "Retry-After",
    "Set-Cookie",
    "WWW-Authenticate",
];

/// The document that is in the repository.
pub static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let text = fs::read_to_string(path()).expect("docs/site/openapi.json");
    serde_json::from_str(&text).expect("docs/site/openapi.json is JSON")
});

static VALIDATORS: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);

/// Where the document is in the repository.
#[must_use]
pub fn path() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/site/openapi.json")
}

/// Asserts that an answer is in the document. Answers of others, such as the storage's emulator, are none of its
/// business: they lack a header that all of ours have.
///
/// # Panics
/// When it is not, and says what to do.
pub fn check(method: &Method, path: &str, answer: &Answer) {
    if !answer.headers.contains_key("x-content-type-options") || *method == Method::OPTIONS {
        return;
    }
    if let Err(reason) = judge(method, path, answer) {
        panic!(
            "{method} {path} answered {} {} {}\nwhich docs/site/openapi.json does not know: {reason}\n\
             If the answer is right: describe it in the function's src/routes.rs, then \
             `cargo run -- openapi > docs/site/openapi.json`.",
            answer.status,
            answer.header("content-type"),
            answer.text(),
        );
    }
}

fn judge(method: &Method, path: &str, answer: &Answer) -> Result<(), String> {
    let Some((template, item)) = find(path) else {
        return undescribed(path, answer);
    };
    let asked = match *method {
        Method::HEAD => "get".to_owned(),
        _ => method.as_str().to_lowercase(),
    };
    let Some(operation) = item.get(&asked) else {
        return method_not_allowed(item, answer);
    };
    if *method == Method::HEAD && answer.status == StatusCode::METHOD_NOT_ALLOWED {
        return Ok(());
    }
    let status = answer.status.as_str();
    let response = operation["responses"].get(status);
    let response = resolved(response.ok_or("the operation has no such status")?);
    for name in TOLD {
        if answer.headers.contains_key(name) && response["headers"].get(name).is_none() {
            return Err(format!("the header {name}"));
        }
    }
    if *method == Method::HEAD {
        return Ok(());
    }
    let key = format!("{asked} {template} {status}");
    body(&key, response, answer)
}

fn body(key: &str, response: &Value, answer: &Answer) -> Result<(), String> {
    let content_type = answer.header("content-type");
    let Some(content) = response.get("content") else {
        let empty = answer.bytes.is_empty() && content_type.is_empty();
        return if empty {
            Ok(())
        } else {
            Err("a body".to_owned())
        };
    };
    let content = content.get(&content_type).ok_or("the content type")?;
    if !content_type.ends_with("json") {
        return Ok(());
    }
    let validator = validator(key, &content["schema"]);
    let value = answer.json();
    let wrong: Vec<_> = validator
        .iter_errors(&value)
        .map(|error| format!("{} at {}", error, error.instance_path()))
        .collect();
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.join("; "))
    }
}

fn validator(key: &str, schema: &Value) -> Arc<Validator> {
    let mut validators = VALIDATORS.lock().unwrap_or_else(PoisonError::into_inner);
    let made = validators.entry(key.to_owned()).or_insert_with(|| {
        let whole = json!({ "allOf": [schema], "components": DOCUMENT["components"] });
        let options = jsonschema::draft202012::options().should_validate_formats(true);
        Arc::new(options.build(&whole).expect("a schema"))
    });
    Arc::clone(made)
}

/// A path of which the document says nothing leads nowhere, or to a page.
fn undescribed(path: &str, answer: &Answer) -> Result<(), String> {
    let is_json = answer.header("content-type") == "application/json";
    match answer.status.is_success()
        && is_json
        && !["/health/live", "/openapi.json"].contains(&path)
    {
        true => Err("the path".to_owned()),
        false => Ok(()),
    }
}

/// A method of which the document says nothing is refused, and `Allow` names those of which it says something.
fn method_not_allowed(item: &Value, answer: &Answer) -> Result<(), String> {
    if answer.status != StatusCode::METHOD_NOT_ALLOWED {
        return Err("the method".to_owned());
    }
    let allowed = answer.header("allow");
    let mut allowed: Vec<_> = allowed.split(',').filter(|name| *name != "HEAD").collect();
    allowed.sort_unstable();
    let mut described = methods(item);
    described.sort_unstable();
    if allowed == described {
        Ok(())
    } else {
        Err(format!("`Allow`, not {described:?}"))
    }
}

/// The methods that the document knows at a path.
#[must_use]
pub fn methods(item: &Value) -> Vec<String> {
    let members = item.as_object().into_iter().flatten();
    members.map(|(name, _)| name.to_uppercase()).collect()
}

/// What the document says of a path, and under which template: the one with the most words.
fn find(path: &str) -> Option<(&'static str, &'static Value)> {
    let path = match path.trim_end_matches('/') {
        "" => "/",
        trimmed => trimmed,
    };
    let templates = DOCUMENT["paths"].as_object()?.iter();
    let fitting = templates.filter(|(template, _)| fits(template, path));
    fitting
        .min_by_key(|(template, _)| template.matches('{').count())
        .map(|(template, item)| (template.as_str(), item))
}

fn fits(template: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(wanted), Some(given)) if wanted == given => {}
            (Some(wanted), Some(given)) if wanted.starts_with('{') && !given.is_empty() => {}
            _ => return false,
        }
    }
}

fn resolved(value: &'static Value) -> &'static Value {
    let target = value["$ref"]
        .as_str()
        .and_then(|reference| reference.strip_prefix('#'));
    target.map_or(value, |pointer| {
        DOCUMENT
            .pointer(pointer)
            .expect("a reference leads somewhere")
    })
}
