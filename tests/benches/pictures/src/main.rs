//! What a photo costs beside libvips: CPU, memory, and whether the pictures are as good and as small.
//!
//! `bench-pictures compare CORPUS PYTHON` runs both sides over each folder of the corpus, each side in a process of its
//! own a round, in turn; `bench-pictures make OUT FILE…` is our side. The other is `libvips.py`. `tests/bench-pictures`
//! makes all of it.

mod make;
mod similarity;
mod table;

use anyhow::{Context as _, Result, bail};
use std::{env, path::Path};

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match &words[..] {
        ["make", out, files @ ..] => make::make(Path::new(out), files),
        ["compare", corpus, python, rounds] => {
            let rounds = rounds.parse().context("the number of rounds")?;
            table::compare(Path::new(corpus), Path::new(python), rounds)
        }
        _ => bail!("bench-pictures make OUT FILE… | bench-pictures compare CORPUS PYTHON ROUNDS"),
    }
}
