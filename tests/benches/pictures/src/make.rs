//! Our side: files to pictures, as the service makes them, and what that took.

use anyhow::{Context as _, Result};
use rustix::time::{ClockId, clock_gettime};
use std::{fs, path::Path, sync::atomic::AtomicBool};

/// Makes the pictures of files, `OUT/NAME.SIZE.jpg`, and prints `SECONDS KIB`: of CPU, and of memory at its peak beyond
/// what the process had before.
pub(crate) fn make(out: &Path, files: &[&str]) -> Result<()> {
    let stop = AtomicBool::new(false);
    let idle = memory("VmRSS:")?;
    let before = cpu();
    for file in files {
        let upload = fs::read(file).with_context(|| (*file).to_owned())?;
        let made = picture::make(&upload, &stop).with_context(|| (*file).to_owned())?;
        let name = Path::new(file)
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy();
        for (size, jpeg) in [
            ("large", made.large),
            ("medium", made.medium),
            ("small", made.small),
        ] {
            fs::write(out.join(format!("{name}.{size}.jpg")), jpeg)?;
        }
    }
    println!("{} {}", cpu() - before, memory("VmHWM:")? - idle);
    Ok(())
}

/// CPU seconds of this process.
fn cpu() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// A line of this process's status, in KiB.
fn memory(line: &str) -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let found = status.lines().find_map(|text| text.strip_prefix(line));
    let number = found.and_then(|text| text.trim().split(' ').next());
    Ok(number.context("a line of the status")?.parse()?)
}
