//! Pictures in a folder: one sub-folder a picture, which appears whole or not at all.

mod reading;

use super::{Found, Listing, file_name, files};
use picture::Picture;
use reading::{Kept, Reading};
use shared::{id::ImageId, image_url::ImageSize};
use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::task::spawn_blocking;

/// Holds what is being written; renamed into place when complete.
const UNFINISHED: &str = "unfinished";

/// A folder of this machine.
#[derive(Debug, Clone)]
pub struct Folder {
    root: Arc<PathBuf>,
    kept: Kept,
}

impl Folder {
    /// Opens the folder, made if missing.
    pub(super) fn open(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(folder.join(UNFINISHED))?;
        Ok(Self {
            root: Arc::new(folder),
            kept: Kept::new(),
        })
    }

    /// Clears away what an earlier process left unfinished.
    pub(super) fn begin(&self) -> io::Result<()> {
        let unfinished = self.root.join(UNFINISHED);
        fs::remove_dir_all(&unfinished)?;
        fs::create_dir(unfinished)
    }

    /// Whether it can be written to.
    pub(super) fn check(&self) -> io::Result<()> {
        let file = self.root.join(UNFINISHED).join("check");
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
            sync(shelf.parent().unwrap_or(shelf))?;
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
        let begun = Reading::begin(file, id.clone(), size, self.kept.clone()).await;
        missing_is_fine(begun.map(Some))
    }

    pub(super) async fn delete(&self, id: &ImageId) -> io::Result<()> {
        let (unfinished, place) = (self.unfinished(id), self.place(id));
        self.kept.forget(id);
        run(move || {
            missing_is_fine(fs::remove_dir_all(place))?;
            missing_is_fine(fs::remove_dir_all(unfinished))
        })
        .await
    }

    /// Every picture on its shelf, and the unfinished ones.
    pub(super) async fn list(&self) -> io::Result<Listing> {
        let folder = Arc::clone(&self.root);
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
        self.root.join(UNFINISHED).join(id.as_str())
    }

    fn place(&self, id: &ImageId) -> PathBuf {
        self.root.join(&id.as_str()[..2]).join(id.as_str())
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
