//! Pictures in Google Cloud Storage: one private object a size, `ID/SIZE.jpg`.
//!
//! Uploads and downloads are the client library's, which checks checksums. It deletes and lists over gRPC alone, which
//! no emulator speaks, so those two are plain requests of the JSON API.

mod client;
mod download;

use super::{
    Found, Listing, file_name, files,
    patience::{Failure, patiently},
};
use bytes::Bytes;
use client::{Client, ENDPOINT};
use download::Download;
use picture::Picture;
use reqwest::{Method, Response};
use serde::Deserialize;
use shared::{config::Env, id::ImageId, image_url::ImageSize, time::Timestamp};
use std::{io, sync::Arc, time::Duration};
use tokio::sync::OnceCell;
use url::Url;

/// How long all attempts of one request together may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// The same for removing what nobody needs any more: a sweep finds what stays.
const PATIENCE_TO_DELETE: Duration = Duration::from_secs(5);

/// A bucket of Google Cloud Storage. A clone shares its connections.
#[derive(Debug, Clone)]
pub struct Google(Arc<Place>);

#[derive(Debug)]
struct Place {
    bucket: String,
    /// `STORAGE_ENDPOINT`: an emulator, which wants no credentials.
    emulator: Option<String>,
    /// Made when first needed: looking for credentials may ask Google's metadata server.
    client: OnceCell<Client>,
}

impl Google {
    /// Reads `GOOGLE_BUCKET` and `STORAGE_ENDPOINT`; none inside when the first is not set.
    pub(super) fn read(env: &mut Env) -> Option<Option<Self>> {
        let bucket = env.or("GOOGLE_BUCKET", None, |name| bucket(name).map(Some));
        let emulator = env.or("STORAGE_ENDPOINT", None, |url| endpoint(url).map(Some));
        let (bucket, emulator) = (bucket?, emulator?);
        if bucket.is_none() && emulator.is_some() {
            env.mistake("STORAGE_ENDPOINT", "is of use with GOOGLE_BUCKET alone");
            return None;
        }
        let place = |bucket| Place {
            bucket,
            emulator,
            client: OnceCell::new(),
        };
        Some(bucket.map(|bucket| Self(Arc::new(place(bucket)))))
    }

    /// Keeps a picture: done only when all of its sizes are there and their checksums were found right.
    pub(super) async fn put(&self, id: &ImageId, picture: Picture) -> io::Result<()> {
        let [small, medium, large] =
            files(picture).map(|(size, jpeg)| self.upload(object(id, size), jpeg.into()));
        // Each to its end, also when another failed: one that is given up could still arrive after it was removed.
        let (small, medium, large) = tokio::join!(small, medium, large);
        small.and(medium).and(large)
    }

    async fn upload(&self, object: String, jpeg: Bytes) -> io::Result<()> {
        let checksum = crc32c::crc32c(&jpeg);
        patiently(PATIENCE, || async {
            let upload = self
                .client()
                .await?
                .storage
                .write_object(self.resource(), &object, jpeg.clone())
                .set_if_generation_match(0)
                .set_content_type("image/jpeg")
                .set_cache_control("private")
                .with_known_crc32c(checksum);
            // In a box, as its future is too large for a thread's stack where nothing is optimised.
            match Box::pin(upload.send_unbuffered()).await {
                // Nobody else writes to this name: an earlier attempt arrived, whose answer was lost.
                Err(error) if error.http_status_code() == Some(412) => Ok(()),
                uploaded => Ok(uploaded.map(drop)?),
            }
        })
        .await
    }

    pub(super) async fn length(&self, id: &ImageId, size: ImageSize) -> io::Result<Option<u64>> {
        let object = object(id, size).replace('/', "%2F");
        let described = patiently(PATIENCE, || async {
            let fields = [("fields", "size")];
            match self.ask(Method::GET, &format!("/{object}"), &fields).await {
                Err(failure) if failure.status == Some(404) => Ok(None),
                answer => Ok(Some(answer?.json::<Described>().await?)),
            }
        });
        let length = described.await?.map(|object| object.size.parse());
        length.transpose().map_err(io::Error::other)
    }

    /// A picture in one size. Its begin is asked for again when it does not come; most pictures are all begin. A
    /// picture whose checksum is wrong is never shown whole.
    pub(super) async fn find(&self, id: &ImageId, size: ImageSize) -> io::Result<Option<Found>> {
        let object = object(id, size);
        let begun = patiently(PATIENCE, || async {
            let client = self.client().await?;
            let download = client.storage.read_object(self.resource(), &object);
            match Box::pin(download.send()).await {
                Err(error) if error.http_status_code() == Some(404) => Ok(None),
                download => Ok(Some(Download::begin(download?).await?)),
            }
        });
        Ok(begun.await?.map(Download::into_found))
    }

    /// Removes every size, also when one of them cannot be removed.
    pub(super) async fn delete(&self, id: &ImageId) -> io::Result<()> {
        let [small, medium, large] = ImageSize::ALL.map(|size| self.remove(object(id, size)));
        let (small, medium, large) = tokio::join!(small, medium, large);
        small.and(medium).and(large)
    }

    async fn remove(&self, object: String) -> io::Result<()> {
        let object = object.replace('/', "%2F");
        patiently(PATIENCE_TO_DELETE, || async {
            let answer = self.ask(Method::DELETE, &format!("/{object}"), &[]).await;
            match answer {
                Err(failure) if failure.status == Some(404) => Ok(()),
                answer => answer.map(drop),
            }
        })
        .await
    }

    /// Asks for the first object.
    pub(super) async fn check(&self) -> io::Result<()> {
        patiently(PATIENCE_TO_DELETE, || async {
            self.ask(Method::GET, "", &[("maxResults", "1")])
                .await
                .map(drop)
        })
        .await
    }

    pub(super) async fn list(&self) -> io::Result<Listing> {
        let mut listing = Listing::default();
        let mut token = String::new();
        loop {
            let page = patiently(PATIENCE, || async {
                let query = [
                    ("fields", "nextPageToken,items(name,timeCreated)"),
                    ("maxResults", "1000"),
                    ("pageToken", &token),
                ];
                // An empty token is not the same as none.
                let query = &query[..if token.is_empty() { 2 } else { 3 }];
                Ok(self
                    .ask(Method::GET, "", query)
                    .await?
                    .json::<Page>()
                    .await?)
            })
            .await?;
            for item in page.items {
                let (id, _) = item.name.split_once('/').unwrap_or((&item.name, ""));
                let at = Timestamp::parse(&item.time_created);
                let at = at.ok_or_else(|| io::Error::other("an object's age cannot be read"))?;
                listing.add(id, at);
            }
            match page.next_page_token {
                Some(next) if !next.is_empty() => token = next,
                _ => return Ok(listing),
            }
        }
    }

    /// One request of the JSON API about this bucket's objects.
    async fn ask(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Response, Failure> {
        let client = self.client().await?;
        let endpoint = self.0.emulator.as_deref().unwrap_or(ENDPOINT);
        let address = format!("{endpoint}/storage/v1/b/{}/o{path}", self.0.bucket);
        let request = client.http.request(method, address).query(query);
        let answer = request.headers(client.authorization().await?).send().await;
        Ok(answer?.error_for_status()?)
    }

    async fn client(&self) -> Result<&Client, Failure> {
        let emulator = self.0.emulator.as_deref();
        self.0
            .client
            .get_or_try_init(|| Client::new(emulator))
            .await
    }

    /// The bucket as the client library names it. Its name is the only one in the world, so no project is needed.
    fn resource(&self) -> String {
        format!("projects/_/buckets/{}", self.0.bucket)
    }
}

fn object(id: &ImageId, size: ImageSize) -> String {
    format!("{id}/{}", file_name(size))
}

/// A bucket's name (Cloud Storage's documentation, "Bucket names").
fn bucket(name: &str) -> Result<String, String> {
    let known = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.');
    match (3..=222).contains(&name.len()) && name.bytes().all(known) {
        true => Ok(name.to_owned()),
        false => Err("must be a bucket's name alone, such as crm-pictures".to_owned()),
    }
}

fn endpoint(value: &str) -> Result<String, String> {
    Url::parse(value)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .map(|url| url.origin().ascii_serialization())
        .filter(|origin| origin == value)
        .ok_or_else(|| "must be an emulator's origin, such as http://127.0.0.1:4443".to_owned())
}

/// What is asked of one object.
#[derive(Debug, Deserialize)]
struct Described {
    /// A number, in quotes.
    size: String,
}

/// One page of a list of objects.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    #[serde(default)]
    items: Vec<Item>,
    next_page_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    name: String,
    time_created: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_and_an_endpoint_are_no_paths() {
        assert!(bucket("crm-pictures").is_ok() && bucket("a.b_c").is_ok());
        for bad in ["", "ab", "gs://crm", "crm/o", "CRM", "crm?x"] {
            assert!(bucket(bad).is_err(), "{bad}");
        }
        assert!(endpoint("http://127.0.0.1:4443").is_ok());
        for bad in [
            "",
            "127.0.0.1:4443",
            "http://a/",
            "http://a/b",
            "http://u@a",
            "ftp://a",
        ] {
            assert!(endpoint(bad).is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_client_that_speaks_tls_can_be_made_without_the_network() {
        let made = Client::new(Some("https://storage.invalid")).await;
        assert!(made.is_ok(), "{made:?}");
    }
}
