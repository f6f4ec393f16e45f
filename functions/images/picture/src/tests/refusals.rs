//! What is refused, and what is never kept.

use super::{
    RUN, made,
    uploads::{SECRET, Upload, exif},
};
use crate::{Error, make, memory};
use moxcms::ColorProfile;
use std::sync::atomic::AtomicBool;

#[test]
fn nothing_of_the_upload_but_its_picture_is_kept() {
    let upload = Upload {
        exif: exif(1),
        profile: ColorProfile::new_display_p3().encode().expect("a profile"),
        ..Upload::quarters(64, 32)
    };
    for mut upload in upload.formats() {
        upload.extend(SECRET);
        let made = made(&upload);
        for jpeg in [made.large, made.medium, made.small] {
            assert!(!jpeg.windows(SECRET.len()).any(|bytes| bytes == SECRET));
            let mut rest = &jpeg[2..];
            let mut markers = Vec::new();
            while let [0xff, marker, high, low, ..] = rest {
                markers.push(*marker);
                if *marker == 0xda {
                    break;
                }
                rest = &rest[2 + usize::from(u16::from_be_bytes([*high, *low]))..];
            }
            // JFIF's own header, the frame, tables and the scan.
            let known = |marker| matches!(marker, 0xe0 | 0xc0 | 0xc4 | 0xdb | 0xda);
            assert!(markers.iter().all(|&marker| known(marker)), "{markers:x?}");
            assert!(jpeg.ends_with(&[0xff, 0xd9]));
        }
    }
}

#[test]
fn what_is_no_picture_or_too_large_or_broken_is_told_apart() {
    for bytes in [
        &b"<svg xmlns='http://www.w3.org/2000/svg'/>"[..],
        b"",
        b"GIF89a",
        b"RIFF\0\0\0\0WAVE",
        b"%PDF-1.7",
    ] {
        assert!(matches!(make(bytes, &RUN), Err(Error::NotAPicture)));
        assert!(matches!(memory(bytes), Err(Error::NotAPicture)));
    }
    for whole in Upload::quarters(64, 64).formats() {
        for cut in [whole.len() / 2, whole.len() - 40] {
            assert!(
                matches!(make(&whole[..cut], &RUN), Err(Error::Broken)),
                "{cut}"
            );
        }
    }
    let long = Upload {
        width: 1,
        height: 1,
        rgb: vec![0; 3],
        ..Upload::default()
    };
    for (width, height) in [(70_000u32, 1u32), (60_000, 1_000), (u32::MAX, u32::MAX)] {
        let mut png = long.png();
        png[16..20].copy_from_slice(&width.to_be_bytes());
        png[20..24].copy_from_slice(&height.to_be_bytes());
        assert!(matches!(memory(&png), Err(Error::TooLarge(_))));
        assert!(matches!(make(&png, &RUN), Err(Error::TooLarge(_))));
    }
}

#[test]
fn a_kind_of_jpeg_that_is_not_read_is_called_by_its_name() {
    let jpeg = Upload::quarters(16, 16).jpeg();
    let frame = jpeg.windows(2).position(|pair| pair == [0xff, 0xc0]);
    let frame = frame.expect("a frame");
    for (at, value, name) in [
        (1, 0xc3, "lossless"),
        (1, 0xc6, "hierarchical"),
        (1, 0xc9, "arithmetic"),
        (4, 12, "8 bits"),
        (9, 2, "three colours"),
    ] {
        let mut jpeg = jpeg.clone();
        jpeg[frame + at] = value;
        match make(&jpeg, &RUN) {
            Err(Error::Unsupported(said)) => assert!(said.contains(name), "{said}"),
            other => panic!("{name}: {other:?}"),
        }
    }
    let tables = [0xff, 0xdd, 0, 4, 0, 0].repeat(1_100);
    let (before, after) = jpeg.split_at(frame);
    match make(&[before, &tables, after].concat(), &RUN) {
        Err(Error::TooLarge(said)) => assert!(said.contains("tables"), "{said}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn nobody_waits_for_a_picture_that_is_stopped() {
    for upload in Upload::quarters(64, 64).formats() {
        assert!(matches!(
            make(&upload, &AtomicBool::new(true)),
            Err(Error::Stopped)
        ));
    }
}

#[test]
fn a_webp_whose_frame_lies_about_its_size_is_refused_before_room_is_made_for_it() {
    let (still, moving): (&[u8], &[u8]) = (
        include_bytes!("../../fixtures/lossy-alpha.webp"),
        include_bytes!("../../fixtures/animated.webp"),
    );
    for whole in [still, moving] {
        assert!(memory(whole).is_ok());
        let at = whole.windows(4).position(|name| name == b"VP8 ");
        let at = at.expect("a lossy frame") + 8 + 6;
        let mut lying = whole.to_owned();
        lying[at..at + 4].copy_from_slice(&[0xff, 0x3f, 0xff, 0x3f]);
        assert!(matches!(memory(&lying), Err(Error::Broken)));
        // Cut off behind the lie, too.
        assert!(memory(&lying[..at + 4]).is_err());
    }
}
