//! What `tests/fuzz` feeds with bytes: the form in which a picture comes.

use crate::{
    memory::Memory,
    pace::{AROUND, Incoming},
    upload::{Room, only_file},
};
use axum::body::{Body, Bytes};
use futures_util::stream;
use shared::error::ApiError;
use std::{convert::Infallible, sync::LazyLock};
use tokio::runtime::{Builder, Runtime};

/// How large a form may be here, in bytes.
const LIMIT: usize = 256 * 1024;

/// A form, behind a byte that says in how large pieces it comes and a line with its type.
///
/// # Panics
/// When what is taken for the file does not stand in the form.
pub fn form(data: &[u8]) {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
        let runtime = Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime")
    });
    let Some((pieces, data)) = data.split_first() else {
        return;
    };
    let line = data.iter().position(|byte| *byte == b'\n');
    let (kind, form) = data.split_at(line.unwrap_or(0));
    let form = form.strip_prefix(b"\n").unwrap_or(form);
    let Ok(boundary) = multer::parse_boundary(String::from_utf8_lossy(kind)) else {
        return;
    };
    let pieces: Vec<_> = form
        .chunks(usize::from(*pieces) + 1)
        .map(|piece| Ok::<_, Infallible>(Bytes::copy_from_slice(piece)))
        .collect();
    let body = Incoming::new(Body::from_stream(stream::iter(pieces)), LIMIT + AROUND);
    let taken = RUNTIME.block_on(async {
        let memory = Memory::new();
        let mut room = Room::new(&memory.uploads, None, LIMIT + AROUND).await?;
        only_file(body, boundary, &mut room).await?;
        Ok(room.bytes)
    });
    match taken {
        Ok(file) => {
            let stands = file.is_empty() || form.windows(file.len()).any(|part| part == file);
            assert!(stands, "the file stands in the form as it is taken");
        }
        Err(ApiError::MalformedBody(_) | ApiError::TooLarge(_)) => {}
        Err(error) => panic!("a form is malformed or too large: {error:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, path::Path};

    #[test]
    fn what_a_fuzzer_begins_with_is_borne() {
        let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzzing/seeds/form");
        let mut count = 0;
        for seed in fs::read_dir(seeds).expect("seeds") {
            form(&fs::read(seed.expect("readable").path()).expect("readable"));
            count += 1;
        }
        assert!(count > 3);
    }
}
