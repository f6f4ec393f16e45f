//! Pictures in a folder: one sub-folder a picture, which appears whole or not at all.

use super::{Found, Listing, file_name, files};
use axum::body::{Body, Bytes};
use futures_util::stream;
use picture::Picture;
use shared::{id::ImageId, image_url::ImageSize};
use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    mem,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::task::spawn_blocking;

/// How many bytes are read at a time; most pictures have less.
const PIECE: usize = 256 * 1024;
/// Holds what is being written; renamed into place when complete.
const UNFINISHED: &str = "unfinished";

/// A folder of this machine.
#[derive(Debug, Clone)]
pub struct Folder(Arc<PathBuf>);

impl Folder {
    /// Opens the folder, made if missing.
    pub(super) fn open(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(folder.join(UNFINISHED))?;
        Ok(Self(Arc::new(folder)))
    }

    /// Clears away what an earlier process left unfinished.
    pub(super) fn begin(&self) -> io::Result<()> {
        let unfinished = self.0.join(UNFINISHED);
        fs::remove_dir_all(&unfinished)?;
        fs::create_dir(unfinished)
    }

    /// Whether it can be written to.
    pub(super) fn check(&self) -> io::Result<()> {
        let file = self.0.join(UNFINISHED).join("check");
        File::create(&file)?;
        fs::remove_file(file)
    }

    /// Keeps a picture. Once this is done it outlives a power cut; before, nothing of it is to be seen.
    pub(super) async fn put(&self, id: &ImageId, picture: Picture) -> io::Result<()> {
        let (unfinished, place) = (self.unfinished(id), self.place(id));
        let write = move || {
            fs::create_dir(&unfinished)?;
            for (size, bytes) in files(picture) {
                let mut file = File::create_new(unfinished.join(file_name(size)))?;
                file.write_all(&bytes)?;
                file.sync_all()?;
            }
            sync(&unfinished)?;
            let shelf = place.parent().unwrap_or(&place);
            fs::create_dir_all(shelf)?;
            fs::rename(&unfinished, &place)?;
            sync(shelf)
        };
        run(write).await
    }

    pub(super) async fn length(&self, id: &ImageId, size: ImageSize) -> io::Result<Option<u64>> {
        let file = self.place(id).join(file_name(size));
        run(move || missing_is_fine(fs::metadata(file).map(|file| Some(file.len())))).await
    }

    pub(super) async fn find(&self, id: &ImageId, size: ImageSize) -> io::Result<Option<Found>> {
        let file = self.place(id).join(file_name(size));
        let opened = run(move || missing_is_fine(Reading::open(&file).map(Some)));
        Ok(opened.await?.map(Reading::into_found))
    }

    pub(super) async fn delete(&self, id: &ImageId) -> io::Result<()> {
        let (unfinished, place) = (self.unfinished(id), self.place(id));
        run(move || {
            missing_is_fine(fs::remove_dir_all(place))?;
            missing_is_fine(fs::remove_dir_all(unfinished))
        })
        .await
    }

    /// Every picture on its shelf, and the unfinished ones.
    pub(super) async fn list(&self) -> io::Result<Listing> {
        let folder = Arc::clone(&self.0);
        run(move || {
            let mut listing = Listing::default();
            for shelf in fs::read_dir(&*folder)? {
                let shelf = shelf?;
                if !shelf.file_type()?.is_dir() {
                    listing.strangers += 1;
                    continue;
                }
                for picture in fs::read_dir(shelf.path())? {
                    let picture = picture?;
                    // One that is gone by now needs no sweeping.
                    let written = picture.metadata().and_then(|file| file.modified());
                    if let Some(at) = missing_is_fine(written.map(Some))? {
                        listing.add(&picture.file_name().to_string_lossy(), at.into());
                    }
                }
            }
            Ok(listing)
        })
        .await
    }

    fn unfinished(&self, id: &ImageId) -> PathBuf {
        self.0.join(UNFINISHED).join(id.as_str())
    }

    fn place(&self, id: &ImageId) -> PathBuf {
        self.0.join(&id.as_str()[..2]).join(id.as_str())
    }
}

/// A picture that is being read. Its file never changes; removed meanwhile, it can still be read to the end.
struct Reading {
    file: File,
    /// What was read last.
    piece: Bytes,
    length: u64,
    /// What is still to be read.
    left: u64,
}

impl Reading {
    fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let begun = Self {
            file,
            piece: Bytes::new(),
            length,
            left: length,
        };
        begun.read_on()
    }

    /// Reads the next piece.
    fn read_on(mut self) -> io::Result<Self> {
        let size = usize::try_from(self.left).map_or(PIECE, |left| left.min(PIECE));
        let mut piece = vec![0; size];
        self.file.read_exact(&mut piece)?;
        self.left -= size as u64;
        self.piece = piece.into();
        Ok(self)
    }

    fn into_found(self) -> Found {
        let length = self.length;
        if self.left == 0 {
            let body = self.piece.into();
            return Found { length, body };
        }
        let rest = stream::try_unfold(Some(self), |reading| async {
            let Some(mut reading) = reading else {
                return Ok::<_, io::Error>(None);
            };
            let piece = mem::take(&mut reading.piece);
            let next = match reading.left {
                0 => None,
                _ => Some(run(move || reading.read_on()).await?),
            };
            Ok(Some((piece, next)))
        });
        let body = Body::from_stream(rest);
        Found { length, body }
    }
}

/// Makes the names in a folder lasting.
fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn missing_is_fine<T: Default>(result: io::Result<T>) -> io::Result<T> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(T::default()),
        result => result,
    }
}

async fn run<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    spawn_blocking(work).await.map_err(io::Error::other)?
}
