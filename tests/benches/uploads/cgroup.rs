//! A cgroup with a bound on memory, of either version. Making one takes root.

use anyhow::Context as _;
use std::{
    fs, io,
    path::{Path, PathBuf},
    process,
};

/// A cgroup, removed when dropped, once nobody is in it.
pub(crate) struct Cgroup {
    folder: PathBuf,
    /// Whether it is of the unified hierarchy (cgroups(7)).
    unified: bool,
    enter: String,
}

impl Cgroup {
    pub(crate) fn make(mib: u64) -> anyhow::Result<Self> {
        let root = Path::new("/sys/fs/cgroup");
        let unified = root.join("cgroup.controllers").exists();
        let name = format!("crm-uploads-{}", process::id());
        let folder = match unified {
            true => root.join(name),
            false => root.join("memory").join(name),
        };
        fs::create_dir_all(&folder).context("a cgroup cannot be made: this wants root")?;
        let enter = format!("echo $$ >{}/cgroup.procs && exec \"$@\"", folder.display());
        let this = Self {
            folder,
            unified,
            enter,
        };
        let bytes = (mib << 20).to_string();
        if unified {
            this.write("memory.max", &bytes)?;
            // Where there is swap at all.
            let _ = this.write("memory.swap.max", "0");
        } else {
            this.write("memory.limit_in_bytes", &bytes)?;
            let _ = this.write("memory.memsw.limit_in_bytes", &bytes);
        }
        Ok(this)
    }

    /// A shell's command that goes in and becomes the program that follows.
    pub(crate) fn enter(&self) -> &str {
        &self.enter
    }

    /// The most that all within have held, in MiB: their own memory and files that the kernel keeps for them.
    pub(crate) fn peak_mib(&self) -> anyhow::Result<u64> {
        let name = match self.unified {
            true => "memory.peak",
            false => "memory.max_usage_in_bytes",
        };
        let bytes: u64 = self.read(name)?.trim().parse()?;
        Ok(bytes >> 20)
    }

    /// How often the kernel has killed for want of memory.
    pub(crate) fn killed(&self) -> anyhow::Result<u64> {
        let name = match self.unified {
            true => "memory.events",
            false => "memory.oom_control",
        };
        let text = self.read(name)?;
        let line = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
        Ok(line.context("no figure")?.trim().parse()?)
    }

    fn read(&self, name: &str) -> anyhow::Result<String> {
        fs::read_to_string(self.folder.join(name)).with_context(|| name.to_owned())
    }

    fn write(&self, name: &str, value: &str) -> io::Result<()> {
        fs::write(self.folder.join(name), value)
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // Somebody may still be in it; an empty one harms nobody.
        let _ = fs::remove_dir(&self.folder);
    }
}
