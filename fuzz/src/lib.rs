//! A target for each parser that reads what strangers send.
//!
//! A target takes any bytes, must not panic, and asserts what always holds of the result. `cargo +nightly fuzz run NAME`
//! searches for as long as it is let; `cargo test` runs every target over its seeds and a fixed number of mutations of
//! them on the stable toolchain, the same ones each time.

pub mod layers;
pub mod mutation;
pub mod seeds;
pub mod targets;
pub mod turn;

/// Names a target with its entry and its seeds.
pub struct Target {
    /// The name, also of the binary and of its folder below `corpus/`.
    pub name: &'static str,
    /// Runs the target once.
    pub run: fn(&[u8]),
    /// Inputs that are right or nearly so, from which mutations start.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// Every target.
pub const TARGETS: [Target; 25] = [
    Target {
        name: "xmpp_stanza",
        run: targets::xmpp_stanza,
        seeds: seeds::stanzas,
    },
    Target {
        name: "jingle",
        run: targets::jingle,
        seeds: seeds::sessions,
    },
    Target {
        name: "bridge_constraints",
        run: targets::bridge_constraints,
        seeds: seeds::constraints,
    },
    Target {
        name: "room_name",
        run: targets::room_name,
        seeds: seeds::room_names,
    },
    Target {
        name: "token",
        run: targets::token,
        seeds: seeds::tokens,
    },
    Target {
        name: "token_claims",
        run: targets::token_claims,
        seeds: seeds::claims,
    },
    Target {
        name: "rtp_payload",
        run: targets::rtp_payload,
        seeds: seeds::rtp_payloads,
    },
    Target {
        name: "vp8_rewrite",
        run: targets::vp8_rewrite,
        seeds: seeds::vp8_payloads,
    },
    Target {
        name: "rtp_header",
        run: targets::rtp_header,
        seeds: seeds::rtp_packets,
    },
    Target {
        name: "srtp",
        run: targets::srtp,
        seeds: seeds::srtp_packets,
    },
    Target {
        name: "rtcp",
        run: targets::rtcp,
        seeds: seeds::rtcp_packets,
    },
    Target {
        name: "sdp",
        run: targets::sdp,
        seeds: seeds::descriptions,
    },
    Target {
        name: "candidate",
        run: targets::candidate,
        seeds: seeds::candidates,
    },
    Target {
        name: "signal_request",
        run: targets::signal_request,
        seeds: seeds::signals,
    },
    Target {
        name: "join_request",
        run: targets::join_request,
        seeds: seeds::join_requests,
    },
    Target {
        name: "data_packet",
        run: targets::data_packet,
        seeds: seeds::data_packets,
    },
    Target {
        name: "api_call",
        run: targets::api_call,
        seeds: seeds::api_calls,
    },
    Target {
        name: "vp9_rewrite",
        run: layers::vp9_rewrite,
        seeds: layers::vp9_payloads,
    },
    Target {
        name: "dependency_descriptor",
        run: layers::dependency_descriptor,
        seeds: layers::dependency_descriptors,
    },
    Target {
        name: "descriptors",
        run: layers::descriptors,
        seeds: layers::described_payloads,
    },
    Target {
        name: "redundancy",
        run: layers::redundancy,
        seeds: layers::redundant,
    },
    Target {
        name: "subscriber",
        run: layers::subscriber,
        seeds: layers::subscribers,
    },
    Target {
        name: "stun_message",
        run: turn::stun_message,
        seeds: turn::message_seeds,
    },
    Target {
        name: "turn_stream",
        run: turn::turn_stream,
        seeds: turn::stream_seeds,
    },
    Target {
        name: "turn_server",
        run: turn::turn_server,
        seeds: turn::story_seeds,
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutation::Mutator;
    use std::panic;

    const MUTATIONS_PER_SEED: u64 = 4_000;

    #[test]
    fn every_target_withstands_its_seeds_and_their_mutations() {
        let mut failed = Vec::new();
        for target in TARGETS {
            let seeds = (target.seeds)();
            assert!(!seeds.is_empty(), "{} has no seeds", target.name);
            'seeds: for (number, seed) in seeds.iter().enumerate() {
                let mut mutator = Mutator::new(number as u64 + 1);
                let mut input = seed.clone();
                for round in 0..=MUTATIONS_PER_SEED {
                    if panic::catch_unwind(|| (target.run)(&input)).is_err() {
                        // Left in the folder where cargo-fuzz leaves its own findings.
                        let file = format!(
                            "{}/artifacts/{}-{number}-{round}",
                            env!("CARGO_MANIFEST_DIR"),
                            target.name
                        );
                        std::fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/artifacts")).unwrap();
                        std::fs::write(&file, &input).unwrap();
                        failed.push(file);
                        break 'seeds;
                    }
                    // Mutations pile up for a while, then start afresh.
                    if round % 8 == 0 {
                        input.clone_from(seed);
                    }
                    mutator.mutate(&mut input);
                }
            }
        }
        assert!(failed.is_empty(), "{failed:#?}");
    }
}
