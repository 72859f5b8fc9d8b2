//! The way to the other workers.

use std::collections::VecDeque;
use std::time::Instant;

use tertulia_model::RoomId;

use super::Worker;
use crate::message::ToWorker;
use crate::spread::{Relaying, ToHome, ToStage};
use crate::stats::Counters;

/// Messages kept for a worker whose mailbox is full. One that has taken none of so many is taken for lost.
const MOST: usize = 65_536;

/// What waits for room in the other workers' mailboxes, by worker.
#[derive(Default)]
pub(super) struct Outbox {
    waiting: Vec<VecDeque<ToWorker>>,
    /// Workers that take nothing any more, not yet acted upon.
    lost: Vec<usize>,
}

impl Outbox {
    pub(super) fn new(workers: usize) -> Self {
        Self {
            waiting: (0..workers).map(|_| VecDeque::new()).collect(),
            lost: Vec::new(),
        }
    }

    /// Whether anything waits.
    pub(super) fn is_empty(&self) -> bool {
        self.lost.is_empty() && self.waiting.iter().all(VecDeque::is_empty)
    }
}

impl Worker {
    pub(super) fn tell_stage(&mut self, worker: usize, room: &RoomId, message: ToStage) {
        let room = room.clone();
        self.post(worker, ToWorker::Stage { room, message });
    }

    pub(super) fn tell_home(&mut self, home: usize, room: &RoomId, message: ToHome) {
        let (room, from) = (room.clone(), self.index);
        self.post(home, ToWorker::Home { room, from, message });
    }

    /// Sends another worker what must not be lost.
    pub(super) fn post(&mut self, worker: usize, message: ToWorker) {
        let Some(waiting) = self.outbox.waiting.get_mut(worker) else {
            return;
        };
        if waiting.len() >= MOST {
            waiting.clear();
            self.outbox.lost.push(worker);
            return;
        }
        waiting.push_back(message);
        self.send_waiting(worker);
    }

    /// Sends another worker what is out of date when there is no room for it now.
    pub(super) fn post_media(&mut self, worker: usize, message: Relaying) {
        let sent = self
            .shared
            .worker(worker)
            .is_some_and(|link| link.try_send(ToWorker::Relay(message)));
        if !sent {
            Counters::up(&self.shared.counters.relays_dropped);
        }
    }

    fn send_waiting(&mut self, worker: usize) {
        let (Some(waiting), Some(link)) = (self.outbox.waiting.get_mut(worker), self.shared.worker(worker))
        else {
            return;
        };
        while let Some(message) = waiting.pop_front() {
            if let Some(message) = link.give(message) {
                waiting.push_front(message);
                return;
            }
        }
    }

    /// Sends what waits, and acts on workers that take nothing any more.
    pub(super) fn empty_outbox(&mut self, now: Instant) {
        if self.outbox.is_empty() {
            return;
        }
        for worker in 0..self.outbox.waiting.len() {
            self.send_waiting(worker);
        }
        for worker in std::mem::take(&mut self.outbox.lost) {
            tracing::error!(
                worker,
                "a media worker takes no messages; what it hosts is given up"
            );
            self.worker_lost(worker, now);
        }
    }
}
