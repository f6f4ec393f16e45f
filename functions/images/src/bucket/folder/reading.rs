//! Reading a picture: at once what the kernel has at hand, anything else where it holds up nobody.

use super::{Found, run};
use axum::body::{Body, Bytes};
use futures_util::stream;
use quick_cache::sync::Cache;
use shared::{id::ImageId, image_url::ImageSize};
use std::{fs::File, io, mem, os::unix::fs::FileExt as _, path::PathBuf, sync::Arc};

/// How many bytes are read at a time: most pictures in one, and few enough for the allocator to have them at hand too.
const PIECE: u64 = 64 * 1024;

/// How many pieces are kept that were read lately: 16 MiB.
const KEPT: usize = 256;

/// Pieces that were read lately, of what picture and from which byte on. A clone is the same.
#[derive(Debug, Clone)]
pub(super) struct Kept(Arc<Cache<(ImageId, &'static str, u64), Bytes>>);

impl Kept {
    pub(super) fn new() -> Self {
        Self(Arc::new(Cache::new(KEPT)))
    }

    /// Drops what there is of a picture.
    pub(super) fn forget(&self, id: &ImageId) {
        self.0.retain(|(of, ..), _| of != id);
    }
}

/// A picture that is being read. Its file never changes; removed meanwhile, it can still be read to the end.
pub(super) struct Reading {
    file: File,
    id: ImageId,
    size: ImageSize,
    kept: Kept,
    /// What was read last.
    piece: Bytes,
    /// How many bytes have been read.
    read: u64,
    /// How many there are.
    length: u64,
}

impl Reading {
    /// Opens a picture, which so is still there, and reads its first piece.
    pub(super) async fn begin(
        path: PathBuf,
        id: ImageId,
        size: ImageSize,
        kept: Kept,
    ) -> io::Result<Found> {
        let file = match at_hand::open(&path) {
            Some(file) => file,
            None => run(move || File::open(path)).await?,
        };
        let length = file.metadata()?.len();
        let begun = Self {
            file,
            id,
            size,
            kept,
            piece: Bytes::new(),
            read: 0,
            length,
        };
        Ok(begun.read_on().await?.into_found())
    }

    /// Reads the next piece, unless it was read lately.
    async fn read_on(mut self) -> io::Result<Self> {
        let size = PIECE.min(self.length - self.read);
        let key = (self.id.clone(), self.size.as_str(), self.read);
        if let Some(piece) = self.kept.0.get(&key) {
            self.piece = piece;
        } else {
            let mut piece = vec![0; usize::try_from(size).map_err(io::Error::other)?];
            if !at_hand::read(&self.file, &mut piece, self.read) {
                (self, piece) = run(move || {
                    self.file.read_exact_at(&mut piece, self.read)?;
                    Ok((self, piece))
                })
                .await?;
            }
            self.piece = piece.into();
            self.kept.0.insert(key, self.piece.clone());
        }
        self.read += size;
        Ok(self)
    }

    fn into_found(self) -> Found {
        let length = Some(self.length);
        let body = match self.read == self.length {
            true => self.piece.into(),
            false => Body::from_stream(stream::try_unfold(Some(self), Self::next)),
        };
        Found { length, body }
    }

    /// The piece that was read last, and what follows it.
    async fn next(reading: Option<Self>) -> io::Result<Option<(Bytes, Option<Self>)>> {
        let Some(mut reading) = reading else {
            return Ok(None);
        };
        let piece = mem::take(&mut reading.piece);
        let next = match reading.read == reading.length {
            true => None,
            false => Some(reading.read_on().await?),
        };
        Ok(Some((piece, next)))
    }
}

/// What can be had without waiting for a disk.
#[cfg(target_os = "linux")]
mod at_hand {
    use rustix::{
        fs::{CWD, Mode, OFlags, ResolveFlags, openat2},
        io::{ReadWriteFlags, preadv2},
    };
    use std::{fs::File, io::IoSliceMut, path::Path};

    /// The file, if the way there is known.
    pub(super) fn open(path: &Path) -> Option<File> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let opened = openat2(CWD, path, flags, Mode::empty(), ResolveFlags::CACHED);
        opened.ok().map(File::from)
    }

    /// Fills the piece, if all of it is there.
    pub(super) fn read(file: &File, piece: &mut [u8], from: u64) -> bool {
        let length = piece.len();
        let read = preadv2(
            file,
            &mut [IoSliceMut::new(piece)],
            from,
            ReadWriteFlags::NOWAIT,
        );
        read == Ok(length)
    }
}

/// Nothing is known to be at hand.
#[cfg(not(target_os = "linux"))]
mod at_hand {
    use std::{fs::File, path::Path};

    pub(super) fn open(_: &Path) -> Option<File> {
        None
    }

    pub(super) fn read(_: &File, _: &mut [u8], _: u64) -> bool {
        false
    }
}
