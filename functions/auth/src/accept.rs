//! What kind of answer a request prefers.

use axum::http::{HeaderMap, header};

/// Whether `Accept` prefers a page to JSON (RFC 9110, section 12.5.1): a person's browser, not a program.
pub(crate) fn prefers_html(headers: &HeaderMap) -> bool {
    let accept: Vec<&str> = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    quality(&accept, "text", "html") > quality(&accept, "application", "json")
}

/// How much a type is wanted: by the range that names it best.
fn quality(accept: &[&str], kind: &str, subkind: &str) -> f32 {
    let mut best = (0, 0.0);
    for range in accept {
        let mut parts = range.split(';').map(str::trim);
        let (range, quality) = (parts.next().unwrap_or(""), parts.find_map(weight));
        let specific = match range.split_once('/') {
            Some((a, b)) if a.eq_ignore_ascii_case(kind) && b.eq_ignore_ascii_case(subkind) => 3,
            Some((a, "*")) if a.eq_ignore_ascii_case(kind) => 2,
            Some(("*", "*")) => 1,
            _ => continue,
        };
        if specific > best.0 {
            best = (specific, quality.unwrap_or(1.0));
        }
    }
    best.1
}

fn weight(parameter: &str) -> Option<f32> {
    let (name, value) = parameter.split_once('=')?;
    let value = value.trim().parse().ok();
    value.filter(|_| name.trim().eq_ignore_ascii_case("q"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn a_browser_prefers_a_page_and_a_program_does_not() {
        let html = |accept: &'static str| {
            let accept = (header::ACCEPT, HeaderValue::from_static(accept));
            prefers_html(&HeaderMap::from_iter([accept]))
        };
        for page in [
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "text/html",
            "TEXT/*, */*;q=0.1",
            "application/json;q=0.5, text/html; q=0.6",
        ] {
            assert!(html(page), "{page}");
        }
        for json in [
            "*/*",
            "application/json",
            "application/json, text/html",
            "text/html;q=0.4, application/*;q=0.5",
            "text/html;q=0",
            "",
            ";;,/,q=",
        ] {
            assert!(!html(json), "{json}");
        }
        assert!(!prefers_html(&HeaderMap::new()));
    }
}
