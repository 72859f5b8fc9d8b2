//! What the kernel says of a process: its time on processors and its memory.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;

/// Time on processors since each thread began, in nanoseconds, by thread.
#[derive(Debug, Clone, Default)]
pub struct CpuTimes(BTreeMap<u32, (String, u64)>);

/// A process that is watched.
#[derive(Debug, Clone)]
pub struct Process {
    root: PathBuf,
}

impl Process {
    /// The process `pid`.
    pub fn new(pid: u32) -> Self {
        Self {
            root: PathBuf::from(format!("/proc/{pid}")),
        }
    }

    /// The generator itself.
    pub fn own() -> Self {
        Self {
            root: PathBuf::from("/proc/self"),
        }
    }

    /// Reads the scheduler's accounting of every thread: exact, unlike the sampled figures of `stat`.
    ///
    /// # Errors
    /// When the process is gone, or belongs to somebody else.
    pub fn cpu(&self) -> io::Result<CpuTimes> {
        let mut times = BTreeMap::new();
        for entry in fs::read_dir(self.root.join("task"))? {
            let path = entry?.path();
            let thread = path
                .file_name()
                .and_then(|name| name.to_str())
                .and_then(|name| name.parse().ok());
            // A thread may end while we read; what it used until now is not ours to know.
            let (Some(thread), Ok(statistics)) = (thread, fs::read_to_string(path.join("schedstat"))) else {
                continue;
            };
            let name = fs::read_to_string(path.join("comm")).unwrap_or_default();
            let spent = statistics
                .split_whitespace()
                .next()
                .and_then(|field| field.parse().ok());
            times.insert(thread, (name.trim().to_owned(), spent.unwrap_or(0)));
        }
        Ok(CpuTimes(times))
    }

    /// Resident memory in bytes.
    ///
    /// # Errors
    /// As [`Process::cpu`].
    pub fn resident_bytes(&self) -> io::Result<u64> {
        let status = fs::read_to_string(self.root.join("status"))?;
        resident(&status).ok_or_else(|| io::Error::other("no resident size in the process's status"))
    }
}

impl CpuTimes {
    /// Nanoseconds spent since `earlier`, by thread name; numbers at the end of names are left out, so that workers
    /// of one kind are summed.
    pub fn since(&self, earlier: &Self) -> BTreeMap<String, u64> {
        let mut spent: BTreeMap<String, u64> = BTreeMap::new();
        for (thread, (name, now)) in &self.0 {
            let before = earlier.0.get(thread).map_or(0, |(_, before)| *before);
            let kind = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-');
            let kind = if kind.is_empty() { name } else { kind };
            *spent.entry(kind.to_owned()).or_default() += now.saturating_sub(before);
        }
        spent
    }
}

fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_memory_is_read_from_status() {
        let status = "Name:\tx\nVmHWM:\t  9 kB\nVmRSS:\t  5120 kB\nThreads:\t3\n";
        assert_eq!(resident(status), Some(5120 * 1024));
        assert_eq!(resident("Name:\tx\n"), None);
    }

    #[test]
    fn time_is_summed_by_kind_of_thread() {
        let times = |list: &[(u32, &str, u64)]| {
            CpuTimes(
                list.iter()
                    .map(|(id, name, ns)| (*id, ((*name).to_owned(), *ns)))
                    .collect(),
            )
        };
        let before = times(&[(1, "main", 10), (2, "media-0", 100)]);
        let after = times(&[(1, "main", 15), (2, "media-0", 160), (3, "media-1", 40)]);
        let spent = after.since(&before);
        assert_eq!(spent.get("main"), Some(&5));
        assert_eq!(spent.get("media"), Some(&100));
    }

    #[test]
    fn the_generator_can_watch_itself() {
        let process = Process::own();
        assert!(process.resident_bytes().unwrap() > 0);
        assert!(
            process
                .cpu()
                .unwrap()
                .since(&CpuTimes::default())
                .values()
                .sum::<u64>()
                > 0
        );
    }
}
