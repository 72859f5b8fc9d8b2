use std::sync::atomic::{AtomicU64, Ordering};

/// Declares the counters of a crate, with a snapshot of them that is public.
///
/// The snapshot is named first, with its documentation; the counters themselves are called `Counters` and are read by
/// `Counters::read`.
#[macro_export]
macro_rules! counters {
    ($(#[$about:meta])* $stats:ident { $($(#[$doc:meta])* $name:ident),* $(,)? }) => {
        /// Counters that are added to while they are read.
        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            $($(#[$doc])* pub(crate) $name: ::std::sync::atomic::AtomicU64,)*
        }

        $(#[$about])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct $stats {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Counters {
            pub(crate) fn read(&self) -> $stats {
                $stats { $($name: self.$name.load(::std::sync::atomic::Ordering::Relaxed),)* }
            }
        }
    };
}

crate::counters! {
    /// What the engine has counted since its start, and what it holds now.
    EngineStats {
        /// Rooms alive now.
        rooms,
        /// Participants present now.
        participants,
        /// Sessions alive now.
        sessions,
        /// Rooms opened.
        rooms_opened,
        /// Participants joined.
        joins,
        /// Media connections that connected.
        connections,
        /// Media connections that failed.
        connections_failed,
        /// Media packets received.
        packets_received,
        /// Bytes of those.
        bytes_received,
        /// Media packets forwarded to subscribers.
        packets_forwarded,
        /// Media packets left out because their publisher sent far too much.
        packets_policed,
        /// Media packets whose payload or dependency descriptor says the impossible.
        packets_malformed,
        /// Media packets for subscribers that could not be sent: they waited too long, or nothing is negotiated for them.
        packets_unsent,
        /// Datagrams sent.
        datagrams_sent,
        /// Bytes of those.
        bytes_sent,
        /// Datagrams the kernel had no room for.
        datagrams_dropped,
        /// Datagrams that belong to nobody.
        datagrams_unknown,
        /// Data messages that found no open channel, or one with too much waiting.
        messages_dropped,
        /// Messages with media between workers that found no room; packets, or what is wanted of them.
        relays_dropped,
        /// Participants hosted on another worker than their room.
        hosted_elsewhere,
        /// Packets taken from other workers.
        packets_relayed,
        /// Keyframes asked of publishers.
        keyframes_requested,
        /// Participants expelled because their event queue was full.
        slow_consumers,
        /// Descriptions refused.
        negotiations_refused,
        /// Sessions closed by an error of the peer.
        session_errors,
        /// Datagrams handed to the worker of the session they are for.
        datagrams_handed_over,
        /// Of those, datagrams that found no room.
        handovers_dropped,
        /// TURN allocations open now.
        turn_allocations,
        /// TURN clients' connections open now.
        turn_connections,
        /// TURN clients' connections refused: too many that have proved nothing.
        turn_connections_refused,
        /// STUN bindings answered.
        turn_bindings,
        /// TURN challenges sent.
        turn_challenges,
        /// TURN requests refused for another reason.
        turn_refusals,
        /// TURN requests with a wrong, expired or revoked credential.
        turn_bad_credentials,
        /// Peers TURN clients asked for and may not reach.
        turn_forbidden_peers,
        /// TURN allocations opened.
        turn_allocations_opened,
        /// STUN and TURN requests dropped because their source asked too often.
        turn_limited,
        /// Packets for the TURN server that were broken.
        turn_malformed,
        /// Relayed packets without allocation, permission or channel.
        turn_unsolicited,
        /// Packets relayed from clients.
        turn_packets_to_peers,
        /// Bytes of those.
        turn_bytes_to_peers,
        /// Packets relayed to clients.
        turn_packets_to_clients,
        /// Bytes of those.
        turn_bytes_to_clients,
        /// Packets of the TURN server that found no room.
        turn_dropped,
        /// TCP connections refused before they were bound to a session.
        tcp_refused,
        /// Room turns that panicked; each ended one room, or the stay of those of it who were hosted on that worker.
        room_panics,
        /// Records that were given to be kept.
        records,
        /// Records refused because too many waited to be kept.
        records_refused,
        /// Records that could not be kept.
        records_failed,
        /// Observer queues that were full; the observer was dropped.
        observers_dropped,
    }
}

impl Counters {
    pub(crate) fn add(counter: &AtomicU64, by: u64) {
        counter.fetch_add(by, Ordering::Relaxed);
    }

    pub(crate) fn up(counter: &AtomicU64) {
        Self::add(counter, 1);
    }

    pub(crate) fn down(counter: &AtomicU64) {
        counter.fetch_sub(1, Ordering::Relaxed);
    }
}
