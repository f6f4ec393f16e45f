//! The OpenAPI document: that it is the code's, and that the product has exactly its routes. What it says of answers,
//! `tests::contract` holds against every answer that any test sees.

use reqwest::Method;
use serde_json::Value;
use std::fs;
use tests::{
    Answer, Process, Product,
    contract::{self, DOCUMENT, methods},
};

fn paths() -> impl Iterator<Item = (&'static String, &'static Value)> {
    DOCUMENT["paths"].as_object().unwrap().iter()
}

/// The path with something in place of its parameters.
fn filled(template: &str) -> String {
    let sample = |segment: &str| match segment {
        "{id}" | "{size}" => "1".to_owned(),
        "{provider}" => "google".to_owned(),
        "{email}" => "ada@example.com".to_owned(),
        word => word.to_owned(),
    };
    let segments: Vec<_> = template.split('/').map(sample).collect();
    segments.join("/")
}

#[tokio::test]
async fn the_document_in_the_repository_is_what_the_code_says() {
    let printed = Process::output("local", &["openapi"], &[], "").await;
    let kept = fs::read_to_string(contract::path()).unwrap();
    assert!(
        printed == kept,
        "the API has changed: `cargo run -- openapi > docs/site/openapi.json`, and review the difference"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_product_has_exactly_the_methods_of_the_document() {
    let product = Product::start().await;
    let client = product.anyone();
    for (template, item) in paths() {
        let odd = Method::from_bytes(b"PROPFIND").unwrap();
        let answer = Answer::of(client.request(odd, &filled(template))).await;
        let allow = answer.header("allow");
        answer.problem(405, "method_not_allowed");
        let mut allowed: Vec<_> = allow.split(',').filter(|name| *name != "HEAD").collect();
        let mut described = methods(item);
        allowed.sort_unstable();
        described.sort_unstable();
        assert_eq!(allowed, described, "{template}");
    }
}

#[test]
fn every_path_of_the_document_has_a_route_and_every_route_leads_to_one() {
    let table = include_str!("../../functions/routes.json");
    let table: Vec<Value> = serde_json::from_str(table).unwrap();
    let routes = || table.iter().map(|route| route["path"].as_str().unwrap());
    for (template, _) in paths() {
        assert!(
            routes().any(|route| leads(route, &filled(template))),
            "{template} has no route"
        );
    }
    let later = ["/imports", "/operations", "/changes"];
    for route in routes().filter(|route| !later.iter().any(|path| route.starts_with(path))) {
        let bare = route.trim_end_matches("/**");
        let bare = if bare.is_empty() {
            route
        } else {
            bare.trim_end_matches('/')
        };
        let known = paths()
            .any(|(template, _)| leads(route, &filled(template)) || leads(bare, &filled(template)));
        assert!(known, "{route} leads to nothing that the document knows");
    }
}

/// As functions/local/src/routes.rs reads the table.
fn leads(route: &str, path: &str) -> bool {
    let mut given = path.split('/');
    for wanted in route.split('/') {
        match (wanted, given.next()) {
            ("**", Some(_)) => return true,
            ("*", Some(segment)) if !segment.is_empty() => {}
            (wanted, Some(segment)) if wanted == segment => {}
            _ => return false,
        }
    }
    given.next().is_none()
}

#[test]
fn every_operation_says_what_it_does_and_has_a_name_of_its_own() {
    let mut names = Vec::new();
    for (path, item) in paths() {
        for (method, operation) in item.as_object().unwrap() {
            let said = |member: &str| {
                operation[member]
                    .as_str()
                    .is_some_and(|text| !text.is_empty())
            };
            assert!(said("summary") && said("operationId"), "{method} {path}");
            names.push(operation["operationId"].as_str().unwrap());
        }
    }
    names.sort_unstable();
    let before = names.len();
    names.dedup();
    assert_eq!(names.len(), before, "{names:?}");
}
