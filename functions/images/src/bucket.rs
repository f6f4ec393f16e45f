//! Where pictures are kept: a folder, or a bucket of Google Cloud Storage.

mod folder;
#[cfg(feature = "google")]
mod google;
#[cfg(feature = "google")]
mod patience;

use axum::body::Body;
use folder::Folder;
#[cfg(feature = "google")]
use google::Google;
use picture::Picture;
use shared::{config::Env, id::ImageId, image_url::ImageSize, time::Timestamp};
use std::{collections::HashMap, io};

/// The pictures' storage.
#[derive(Debug, Clone)]
pub enum Bucket {
    /// A folder of this machine.
    Folder(Folder),
    /// A bucket of Google Cloud Storage.
    #[cfg(feature = "google")]
    Google(Google),
}

impl Bucket {
    /// Reads `IMAGES_DIR`, or `GOOGLE_BUCKET` and `STORAGE_ENDPOINT`. Nothing is asked over the network yet.
    #[cfg(feature = "google")]
    pub fn read(env: &mut Env) -> Option<Self> {
        let (folder, google) = (read_folder(env), Google::read(env));
        match (folder?, google?) {
            (Some(folder), None) => return Some(Self::Folder(folder)),
            (None, Some(google)) => return Some(Self::Google(google)),
            (None, None) => env.mistake(
                "IMAGES_DIR",
                "is not set, nor is GOOGLE_BUCKET; one of them says where pictures are kept",
            ),
            (Some(_), Some(_)) => env.mistake(
                "IMAGES_DIR",
                "and GOOGLE_BUCKET are both set; pictures are kept in one place",
            ),
        }
        None
    }

    /// Reads `IMAGES_DIR`.
    #[cfg(not(feature = "google"))]
    pub fn read(env: &mut Env) -> Option<Self> {
        let folder = read_folder(env);
        let elsewhere = |_: &str| {
            let reason = "is not for this program: it keeps pictures in the folder IMAGES_DIR";
            Err::<(), _>(reason.to_owned())
        };
        env.or("GOOGLE_BUCKET", (), elsewhere)?;
        match folder? {
            Some(folder) => Some(Self::Folder(folder)),
            None => {
                env.mistake("IMAGES_DIR", "is not set");
                None
            }
        }
    }

    /// Clears away what an earlier process left half done. Only for the one process that writes to a folder.
    pub(crate) fn begin(&self) -> io::Result<()> {
        match self {
            Self::Folder(folder) => folder.begin(),
            #[cfg(feature = "google")]
            Self::Google(_) => Ok(()),
        }
    }

    /// Keeps a picture in all sizes. After a failure some of it may be there, for [`Bucket::delete`] or a sweep.
    pub(crate) async fn put(&self, id: &ImageId, picture: Picture) -> io::Result<()> {
        match self {
            Self::Folder(folder) => folder.put(id, picture).await,
            #[cfg(feature = "google")]
            Self::Google(google) => Box::pin(google.put(id, picture)).await,
        }
    }

    /// How many bytes a picture in one size has, if it is there.
    pub(crate) async fn length(&self, id: &ImageId, size: ImageSize) -> io::Result<Option<u64>> {
        match self {
            Self::Folder(folder) => folder.length(id, size).await,
            #[cfg(feature = "google")]
            Self::Google(google) => Box::pin(google.length(id, size)).await,
        }
    }

    /// A picture in one size, if it is there. Only a piece of it is held at a time.
    pub(crate) async fn find(&self, id: &ImageId, size: ImageSize) -> io::Result<Option<Found>> {
        match self {
            Self::Folder(folder) => folder.find(id, size).await,
            #[cfg(feature = "google")]
            Self::Google(google) => Box::pin(google.find(id, size)).await,
        }
    }

    /// Removes a picture in all sizes, and what an unfinished put left of it. What is not there is removed already.
    pub(crate) async fn delete(&self, id: &ImageId) -> io::Result<()> {
        match self {
            Self::Folder(folder) => folder.delete(id).await,
            #[cfg(feature = "google")]
            Self::Google(google) => Box::pin(google.delete(id)).await,
        }
    }

    /// Whether it answers, with the rights that we have.
    ///
    /// # Errors
    /// Why it does not.
    pub async fn check(&self) -> io::Result<()> {
        match self {
            Self::Folder(folder) => folder.check(),
            #[cfg(feature = "google")]
            Self::Google(google) => Box::pin(google.check()).await,
        }
    }

    /// Everything that is kept, whole or not.
    pub(crate) async fn list(&self) -> io::Result<Listing> {
        match self {
            Self::Folder(folder) => folder.list().await,
            #[cfg(feature = "google")]
            Self::Google(google) => Box::pin(google.list()).await,
        }
    }
}

fn read_folder(env: &mut Env) -> Option<Option<Folder>> {
    env.or("IMAGES_DIR", None, |path| {
        Folder::open(path.into())
            .map(Some)
            .map_err(|error| format!("names a folder that cannot be used: {error}"))
    })
}

/// A picture on its way out.
pub(crate) struct Found {
    /// In bytes, if the storage says.
    pub(crate) length: Option<u64>,
    pub(crate) body: Body,
}

impl Found {
    /// A picture of so many bytes, none of which anybody wants to see.
    pub(crate) fn unread(length: u64) -> Self {
        let (length, body) = (Some(length), Body::empty());
        Self { length, body }
    }
}

/// What a bucket holds.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// When each picture, or the newest part of it, was written.
    pub(crate) pictures: HashMap<ImageId, Timestamp>,
    /// How many things are no pictures of ours.
    pub(crate) strangers: u64,
}

impl Listing {
    /// Takes in one thing by the id that its name holds, if it holds one.
    fn add(&mut self, id: &str, at: Timestamp) {
        match ImageId::try_from(id.to_owned()) {
            Ok(id) => {
                let newest = self.pictures.entry(id).or_insert(at);
                *newest = at.max(*newest);
            }
            Err(_) => self.strangers += 1,
        }
    }
}

/// The JPEGs of a picture by their sizes.
fn files(picture: Picture) -> [(ImageSize, Vec<u8>); 3] {
    [
        (ImageSize::Small, picture.small),
        (ImageSize::Medium, picture.medium),
        (ImageSize::Large, picture.large),
    ]
}

/// What a size is called within its picture.
fn file_name(size: ImageSize) -> String {
    format!("{}.jpg", size.as_str())
}
