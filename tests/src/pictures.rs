//! Where a product keeps its pictures.

use crate::storage::Storage;
use std::{collections::HashSet, fs, path::PathBuf};

/// A product's pictures: a folder of the all-in-one, a bucket of the services.
pub enum Pictures {
    /// A folder of this machine.
    Folder(PathBuf),
    /// A bucket in an emulator of the product's own.
    Bucket(Box<Storage>),
}

impl Pictures {
    /// The ids of the pictures in it, finished or not.
    ///
    /// # Panics
    /// When the folder cannot be read, or the emulator does not answer.
    pub async fn ids(&self) -> HashSet<String> {
        let names = |folder: PathBuf| {
            let entries = fs::read_dir(folder).expect("readable");
            entries.map(|entry| entry.expect("readable").path())
        };
        match self {
            Self::Folder(folder) => names(folder.clone())
                .flat_map(names)
                .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
                .collect(),
            Self::Bucket(storage) => {
                let objects = storage.names().await.into_iter();
                let id = |name: String| name.split('/').next().map(str::to_owned);
                objects.filter_map(id).collect()
            }
        }
    }

    /// The ids of the pictures of which all sizes are there.
    ///
    /// # Panics
    /// When the folder cannot be read, or the emulator does not answer.
    pub async fn whole(&self) -> HashSet<String> {
        let sizes = ["small", "medium", "large"];
        match self {
            Self::Folder(folder) => {
                let begun = |id: &String| folder.join(&id[..2]).join(id);
                let ids = self.ids().await.into_iter().filter(|id| {
                    let file = |size: &str| begun(id).join(format!("{size}.jpg"));
                    sizes.iter().all(|size| file(size).exists())
                });
                ids.collect()
            }
            Self::Bucket(storage) => {
                let names: HashSet<_> = storage.names().await.into_iter().collect();
                let object = |id: &String, size: &str| names.contains(&format!("{id}/{size}.jpg"));
                let ids = self.ids().await.into_iter();
                ids.filter(|id| sizes.iter().all(|size| object(id, size)))
                    .collect()
            }
        }
    }

    /// What tells a program to keep its pictures here.
    #[must_use]
    pub fn env(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Folder(folder) => vec![("IMAGES_DIR", folder.display().to_string())],
            Self::Bucket(storage) => storage.env().to_vec(),
        }
    }
}
