//! Counts what a forwarded packet costs in instructions, the cipher excluded, and holds it to its bar.
//!
//! Time on a shared machine says little; instructions are the same in every run. The program `hotpath` of `sim` forwards a
//! lecture through the real sessions, routes and pacers, feedback of the listeners included, and callgrind counts what its
//! `counted_turn` does. What belongs to the cipher is told by the names of its functions: callgrind knows no AVX-512, so
//! that another one runs under it than outside.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::run::command;

/// Most instructions for one forwarded packet: a little above what it takes, so that none are added unseen. The aim is
/// 800; str0m's own path takes some thirteen thousand.
const BAR: u64 = 1_100;
/// Function whose instructions, and those of all it calls, are counted.
const COUNTED: &str = "--toggle-collect=*counted_turn*";

/// Beginnings of the names of the cipher's functions.
const CIPHER: [&str; 10] = [
    "aws_lc_",
    "AWS_LC_",
    "aes_hw_",
    "aead_aes_gcm",
    "_aesni",
    "aesni",
    "gcm_",
    "iv_len_12",
    "skip_iv_len_12",
    "EVP_AEAD",
];

/// Builds, counts and judges; `Ok(false)` where a packet costs too much.
///
/// # Errors
/// When something cannot be built or run, or does not say what it should.
pub fn run(root: &Path) -> Result<bool> {
    let build = [
        "build",
        "--release",
        "--locked",
        "--workspace",
        "--bin",
        "hotpath",
    ];
    if !command(root, 20, "cargo", &build).status()?.success() {
        bail!("hotpath does not build");
    }
    let profile = root.join("target/hotpath.callgrind");
    let output = format!("--callgrind-out-file={}", profile.display());
    let valgrind = [
        "--tool=callgrind",
        "--collect-atstart=no",
        COUNTED,
        &output,
        "target/release/hotpath",
    ];
    let ran = command(root, 10, "valgrind", &valgrind)
        .output()
        .context("running valgrind")?;
    if !ran.status.success() {
        bail!("valgrind: {}", String::from_utf8_lossy(&ran.stderr));
    }
    let said = String::from_utf8_lossy(&ran.stdout);
    let forwarded: u64 = said
        .lines()
        .find_map(|line| line.strip_prefix("forwarded "))
        .and_then(|count| count.parse().ok())
        .filter(|count| *count > 0)
        .context("it does not say how many packets it forwarded")?;
    let text = fs::read_to_string(&profile).context("reading what callgrind wrote")?;
    let counted = Counted::read(&text);
    let each = counted.ours() / forwarded;
    let mut own: Vec<_> = counted.own.iter().filter(|(name, _)| !is_cipher(name)).collect();
    own.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    for (name, count) in own.into_iter().take(25) {
        println!("{:>6}  {name}", count / forwarded);
    }
    println!(
        "{each} instructions for each of {forwarded} packets, and {} of the cipher; at most {BAR}",
        counted.cipher / forwarded
    );
    Ok(each <= BAR)
}

fn is_cipher(name: &str) -> bool {
    CIPHER.iter().any(|begin| name.starts_with(begin))
}

/// What callgrind counted.
#[derive(Debug, Default)]
struct Counted {
    /// Instructions of each function itself.
    own: HashMap<String, u64>,
    /// Those of the cipher, whatever it calls included: it copies and clears by the C library's functions, which others
    /// call too.
    cipher: u64,
}

impl Counted {
    /// Reads callgrind's profile format: costs follow the name of their function, and the line after `calls=` is what a
    /// callee cost.
    fn read(profile: &str) -> Self {
        let mut names: HashMap<&str, &str> = HashMap::new();
        let mut counted = Self::default();
        let (mut function, mut called) = ("", "");
        let mut callee = false;
        for line in profile.lines() {
            let named = |rest: &'static str| line.strip_prefix(rest);
            if let Some(rest) = named("fn=").or_else(|| named("cfn=")) {
                // A name stands where its number is met first.
                let (number, name) = rest.split_once(' ').unwrap_or((rest, ""));
                if !name.is_empty() {
                    names.insert(number, name);
                }
                let name = names.get(number).copied().unwrap_or(number);
                if line.starts_with("fn=") {
                    function = name;
                } else {
                    called = name;
                }
            } else if line.starts_with("calls=") {
                callee = true;
            } else if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first)) {
                let cost = line.split(' ').nth(1).and_then(|cost| cost.parse::<u64>().ok());
                let cost = cost.unwrap_or_default();
                if !std::mem::take(&mut callee) {
                    *counted.own.entry(function.to_owned()).or_default() += cost;
                } else if is_cipher(called) && !is_cipher(function) {
                    counted.cipher += cost;
                }
            }
        }
        counted
    }

    /// What was not the cipher's.
    fn ours(&self) -> u64 {
        self.own.values().sum::<u64>().saturating_sub(self.cipher)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_callees_cost_is_theirs_and_what_the_cipher_calls_is_the_ciphers() {
        let profile = "fn=(1) seal\n10 5\n+1 2\ncfn=(2) aws_lc_gcm\ncalls=1 20\n+1 130\n\nfn=(2)\n20 100\ncfn=(3) memcpy\n\
            calls=1 30\n+1 30\nfn=(3)\n30 37\nfn=(1)\n12 1\ncfn=(3)\ncalls=1 30\n+1 7\n";
        let counted = Counted::read(profile);
        assert_eq!(counted.own.get("seal"), Some(&8));
        assert_eq!(counted.own.get("aws_lc_gcm"), Some(&100));
        assert_eq!(counted.cipher, 130);
        assert_eq!(counted.ours(), 8 + 7);
    }
}
