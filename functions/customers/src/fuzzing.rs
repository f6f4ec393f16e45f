//! What `tests/fuzz` feeds with bytes: the query of a list, its cursor, and the words by which customers are found.

use crate::list::{ListQuery, Place, check_statement};
use axum::{
    extract::FromRequestParts as _,
    http::{Request, Uri},
};
use shared::{
    customer::search::{Folded, Wanted, terms},
    email::Email,
    error::ApiError,
    extract::Query,
    fold,
    page::Cursors,
};
use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

const SECRET: [u8; 32] = [1; 32];
/// The longest name that a customer can have, in characters.
const NAME: usize = 120;
/// How many words of a customer are looked through.
const WORDS: usize = 24;

/// A list's query, and behind a line break what is sealed in the cursor of its next page.
///
/// # Panics
/// When a cursor is believed that is none, or a query does not mean what it says of itself.
pub fn cursor(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (query, key) = text.split_once('\n').unwrap_or((&text, ""));
    let Some(Query(query)) = read(query) else {
        return;
    };
    let list = format!("/customers?{}", query.to_query());
    let cursors = Cursors::derive(&SECRET);
    let opened = cursors.open::<Place>(query.cursor.as_deref(), &list);
    assert!(!matches!(opened, Ok(Some(_))), "nobody sealed it");
    let Some(Query(same)) = read(&query.to_query()) else {
        panic!("{} is no query", query.to_query());
    };
    assert_eq!(same.to_query(), query.to_query());
    let place: Option<Place> = serde_json::from_str(key).ok();
    check_statement(&query, place.as_ref());
    if let Some(place) = place {
        let written = serde_json::to_string(&place).expect("it serialises");
        assert_eq!(serde_json::from_str::<Place>(&written).ok(), Some(place));
    }
}

fn read(query: &str) -> Option<Query<ListQuery>> {
    // As hyper does it: what is no address never reaches us.
    let address: Uri = format!("/customers?{query}").parse().ok()?;
    let (mut parts, ()) = Request::get(address).body(()).ok()?.into_parts();
    let reading = pin!(Query::<ListQuery>::from_request_parts(&mut parts, &()));
    match reading.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(query)) => Some(query),
        Poll::Ready(Err(ApiError::MalformedQuery(_))) => None,
        other => panic!(
            "a query is read at once, or malformed: {:?}",
            other.is_ready()
        ),
    }
}

/// Name, surname and e-mail address, a line break between them.
///
/// # Panics
/// When something does not fit into its column, or somebody is not found by one of their words.
pub fn words(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut lines = text.split('\n');
    let mut next = || -> String { lines.next().unwrap_or("").chars().take(NAME).collect() };
    let (name, surname, address) = (next(), next(), next());
    let address = Email::parse(&address).map_or_else(
        |_| "ada@example.com".to_owned(),
        |email| email.as_str().to_owned(),
    );
    let folded = Folded::of(&name, &surname, &address);
    let fits = |text: &str, most: usize| assert!(text.chars().count() <= most, "{text}");
    fits(&folded.name_order, NAME);
    fits(&folded.surname_order, NAME);
    fits(&folded.email_order, 254);
    fits(&folded.search_text, 1_500);
    let terms = terms(&folded.search_text);
    terms.iter().for_each(|term| fits(term, WORDS));
    let all = [&name, &surname, &address].map(|text| fold::words(text).chain(fold::parts(text)));
    if all.into_iter().flatten().count() >= WORDS {
        return;
    }
    for typed in [&name, &surname, &address] {
        let wanted = Wanted::all(typed);
        for word in &wanted {
            assert!(
                folded.search_text.contains(&word.in_text()),
                "{word:?} of {typed:?}"
            );
            assert!(terms.contains(word.term()), "{word:?} of {typed:?}");
            let led = |(from, to): (String, String)| terms.range(from..to).next().is_some();
            assert!(word.range().is_none_or(led), "{word:?} of {typed:?}");
        }
        for (index, one) in wanted.iter().enumerate() {
            for other in &wanted[index + 1..] {
                let pair = one.pair(other);
                assert!(
                    pair.is_none_or(|(pair, _)| terms.contains(&pair)),
                    "{one:?} {other:?}"
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, path::Path};

    fn feed(target: &str, fed: fn(&[u8])) {
        let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzzing/seeds");
        let seeds = fs::read_dir(seeds.join(target)).expect("seeds");
        let mut count = 0;
        for seed in seeds {
            fed(&fs::read(seed.expect("readable").path()).expect("readable"));
            count += 1;
        }
        assert!(count > 3, "{target} has seeds");
    }

    #[test]
    fn what_a_fuzzer_begins_with_is_borne() {
        feed("cursor", cursor);
        feed("words", words);
    }

    #[test]
    fn a_good_query_is_read() {
        let query = read("q=ada+lov&sort=-surname&limit=10&has_photo=true");
        assert!(query.is_some_and(|Query(query)| query.to_query().contains("q=ada+lov")));
        assert!(read("q=%ff&x=1").is_none());
    }
}
