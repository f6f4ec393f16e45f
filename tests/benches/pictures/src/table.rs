//! Both sides over each folder of the corpus, and the table.

use crate::similarity;
use anyhow::{Context as _, Result, ensure};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const SIZES: [&str; 3] = ["large", "medium", "small"];

/// What a side took: CPU seconds and KiB at the peak, of each round.
#[derive(Default)]
struct Side {
    cpu: Vec<f64>,
    memory: Vec<f64>,
}

/// Runs both sides in turn and prints a row for each folder.
pub(crate) fn compare(corpus: &Path, python: &Path, rounds: usize) -> Result<()> {
    println!(
        "| photos | n | CPU ms a photo: ours | libvips | ratio | peak MiB: ours | libvips | ratio | SSIM large, medium, small | bytes, ratio |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|---|--:|");
    let mut folders = entries(corpus)?;
    folders.retain(|path| path.is_dir());
    let (mut all, mut their_all) = (0.0, 0.0);
    for folder in folders {
        let (cpu, their_cpu) = row(&folder, python, rounds)?;
        all += cpu;
        their_all += their_cpu;
    }
    println!(
        "| one of each | | {all:.0} | {their_all:.0} | **{:.2}** | | | | | |",
        all / their_all
    );
    Ok(())
}

/// Prints a folder's row; gives what a photo of it costs both, in milliseconds of CPU.
fn row(folder: &Path, python: &Path, rounds: usize) -> Result<(f64, f64)> {
    let files = entries(folder)?;
    let out = tempfile()?;
    let [ours, theirs] = ["ours", "libvips"].map(|side| out.join(side));
    fs::create_dir_all(&ours)?;
    fs::create_dir_all(&theirs)?;
    let program = std::env::current_exe()?;
    let (mut our_side, mut their_side) = (Side::default(), Side::default());
    for _ in 0..rounds {
        our_side.run(Command::new(&program).arg("make").arg(&ours).args(&files))?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("libvips.py");
        their_side.run(Command::new(python).arg(script).arg(&theirs).args(&files))?;
    }
    let photos = files.len() as f64;
    let [cpu, their_cpu] = [&our_side.cpu, &their_side.cpu].map(|all| median(all) * 1e3 / photos);
    let [memory, their_memory] =
        [&our_side.memory, &their_side.memory].map(|all| median(all) / 1024.0);
    let mut alike = Vec::new();
    let (mut bytes, mut their_bytes) = (0, 0);
    for size in SIZES {
        let mut least: f64 = 1.0;
        for file in &files {
            let stem = file.file_stem().unwrap_or_default().to_string_lossy();
            let name = format!("{stem}.{size}.jpg");
            least = least.min(
                similarity::of_files(&ours.join(&name), &theirs.join(&name))
                    .context(name.clone())?,
            );
            bytes += fs::metadata(ours.join(&name))?.len();
            their_bytes += fs::metadata(theirs.join(&name))?.len();
        }
        alike.push(format!("{least:.3}"));
    }
    println!(
        "| {} | {photos} | {cpu:.0} | {their_cpu:.0} | **{:.2}** | {memory:.0} | {their_memory:.0} | **{:.2}** | {} | {:.2} |",
        folder.file_name().unwrap_or_default().to_string_lossy(),
        cpu / their_cpu,
        memory / their_memory,
        alike.join(", "),
        bytes as f64 / their_bytes as f64,
    );
    fs::remove_dir_all(out)?;
    Ok((cpu, their_cpu))
}

impl Side {
    /// Runs a side, which prints `SECONDS KIB`.
    fn run(&mut self, command: &mut Command) -> Result<()> {
        let output = command.output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{command:?} failed: {complaint}");
        let (cpu, memory) = text.trim().split_once(' ').context("two numbers")?;
        self.cpu.push(cpu.parse()?);
        self.memory.push(memory.parse()?);
        Ok(())
    }
}

/// What is in a folder, in the order of its names.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries: std::io::Result<Vec<_>> = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect();
    let mut entries = entries?;
    entries.sort();
    Ok(entries)
}

/// A folder for one row's pictures.
fn tempfile() -> Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("bench-pictures-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() % 2 {
        0 => f64::midpoint(sorted[middle - 1], sorted[middle]),
        _ => sorted[middle],
    }
}
