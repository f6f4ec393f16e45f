//! The data folder: everything that the product keeps, made on the first start.

use anyhow::{Context as _, anyhow};
use shared::config::Env;
use std::{
    fs::{self, File, Permissions},
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};
use url::Url;

/// The folder, readable by its owner alone.
#[derive(Debug, Clone)]
pub(crate) struct DataFolder {
    /// As the user wrote it, to print.
    shown: PathBuf,
    absolute: PathBuf,
    /// Held as long as the program runs; the system lets go of it even when the program is killed.
    _lock: Arc<File>,
}

impl DataFolder {
    /// Opens the folder, made if missing.
    pub(crate) fn open(folder: &Path) -> anyhow::Result<Self> {
        let make = |path: &Path| {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(path)
                .with_context(|| format!("the folder {} cannot be made", path.display()))
        };
        make(folder)?;
        let absolute = folder.canonicalize()?;
        // Also one that was there before: it will hold passwords' hashes and keys.
        fs::set_permissions(&absolute, Permissions::from_mode(0o700))
            .with_context(|| format!("the folder {} cannot be made private", folder.display()))?;
        let lock = File::create(absolute.join("lock"))
            .with_context(|| format!("the folder {} cannot be written to", folder.display()))?;
        lock.try_lock().with_context(|| {
            format!(
                "another program uses the folder {}; stop it, or choose another with --data",
                folder.display()
            )
        })?;
        for part in ["keys", "pictures", "tls"] {
            make(&absolute.join(part))?;
        }
        Ok(Self {
            shown: folder.to_owned(),
            absolute,
            _lock: Arc::new(lock),
        })
    }

    /// A file in it, to open.
    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.absolute.join(file)
    }

    /// A file in it, to print.
    pub(crate) fn shown(&self, file: &str) -> PathBuf {
        self.shown.join(file)
    }

    /// The contents of a file, or none when there is no such file yet.
    pub(crate) fn read(&self, file: &str) -> anyhow::Result<Option<String>> {
        let path = self.path(file);
        match path.try_exists() {
            Ok(false) => Ok(None),
            _ => fs::read_to_string(&path)
                .map(Some)
                .with_context(|| format!("{} cannot be read", path.display())),
        }
    }

    /// Writes a file that only its owner reads; it is there whole or not at all.
    pub(crate) fn write(&self, file: &str, contents: &str) -> anyhow::Result<()> {
        let (path, unfinished) = (self.path(file), self.path(&format!("{file}.unfinished")));
        let write = || {
            let mut file = File::options()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&unfinished)?;
            file.write_all(contents.as_bytes())?;
            file.sync_all()?;
            fs::rename(&unfinished, &path)?;
            File::open(path.parent().unwrap_or(&path))?.sync_all()
        };
        write().with_context(|| format!("{} cannot be written", path.display()))
    }

    /// Makes the keys on the first start, and lets the environment's defaults point into the folder.
    pub(crate) fn set_defaults(&self, env: &mut Env) -> anyhow::Result<()> {
        const KEYS: [(&str, &str); 5] = [
            ("SIGNING_KEYS", "keys/signing.json"),
            ("VERIFYING_KEYS", "keys/verifying.json"),
            ("REFRESH_KEY", "keys/refresh"),
            ("IMAGE_URL_KEYS", "keys/image-urls"),
            ("PRIVACY_KEY", "keys/privacy"),
        ];
        // The verifying keys are written last of the pair: a start that broke off begins again.
        if self.read("keys/verifying.json")?.is_none() {
            let keys = auth::keys::generate();
            self.write("keys/refresh", &keys.refresh)?;
            self.write("keys/image-urls", &keys.image_urls)?;
            self.write("keys/signing.json", &keys.signing)?;
            self.write("keys/verifying.json", &keys.verifying)?;
        }
        // A folder of an earlier version has all the others.
        if self.read("keys/privacy")?.is_none() {
            self.write("keys/privacy", &auth::keys::generate().privacy)?;
        }
        for (name, file) in KEYS {
            env.set_default(name, format!("file:{}", self.path(file).display()));
        }
        let pictures = self.path("pictures");
        env.set_default("IMAGES_DIR", pictures.display().to_string());
        env.set_default("DATABASE_URL", self.database_url()?);
        Ok(())
    }

    fn database_url(&self) -> anyhow::Result<String> {
        let file = Url::from_file_path(self.path("crm.db"));
        let file = file.map_err(|()| anyhow!("the data folder has no absolute path"))?;
        Ok(file.as_str().replacen("file:", "sqlite:", 1))
    }
}
