//! Where pictures are kept: a folder, one sub-folder a picture, which appears whole or not at all.

use crate::picture::Picture;
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

/// The pictures' storage.
#[derive(Debug, Clone)]
pub(crate) struct Bucket(Arc<PathBuf>);

impl Bucket {
    /// Opens the folder, made if missing, and clears away what an earlier process left unfinished.
    pub(crate) fn open(folder: PathBuf) -> io::Result<Self> {
        let unfinished = folder.join(UNFINISHED);
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished)?;
        }
        fs::create_dir_all(&unfinished)?;
        Ok(Self(Arc::new(folder)))
    }

    /// Keeps a picture. Once this is done it outlives a power cut; before, nothing of it is to be seen.
    pub(crate) async fn put(&self, id: &ImageId, picture: Picture) -> io::Result<()> {
        let (unfinished, place) = (self.0.join(UNFINISHED).join(id.as_str()), self.place(id));
        let write = move || {
            fs::create_dir(&unfinished)?;
            for (size, bytes) in picture.files() {
                let mut file = File::create_new(unfinished.join(file_name(size)))?;
                file.write_all(bytes)?;
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

    /// The bytes of a picture in one size, if it is there.
    pub(crate) async fn find(&self, id: &ImageId, size: ImageSize) -> io::Result<Option<Vec<u8>>> {
        let file = self.place(id).join(file_name(size));
        run(move || missing_is_fine(fs::read(file).map(Some))).await
    }

    /// Removes a picture in all sizes. One that is not there is removed already.
    pub(crate) async fn delete(&self, id: &ImageId) -> io::Result<()> {
        let place = self.place(id);
        run(move || missing_is_fine(fs::remove_dir_all(place))).await
    }

    fn place(&self, id: &ImageId) -> PathBuf {
        self.0.join(&id.as_str()[..2]).join(id.as_str())
    }
}

fn file_name(size: ImageSize) -> String {
    format!("{}.jpg", size.as_str())
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
