//! The thread of all light clients.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use tokio::sync::watch;

use super::lane::{Lane, Turn};
use super::wire::{Buffers, Train};
use super::{Command, Settings};
use crate::client::Phase;

/// How often feedback is looked after.
const TICK: Duration = Duration::from_millis(10);
/// Sockets served before the clock is looked at again.
const EVENTS: usize = 64;
/// Names the waker among the sockets.
const WAKER: u64 = u64::MAX;

pub(super) struct Thread {
    settings: Settings,
    epoch: Instant,
    phase: watch::Receiver<Phase>,
    waker: OwnedFd,
    epoll: OwnedFd,
    commands: Receiver<Command>,
    lanes: Vec<Option<Box<Lane>>>,
    buffers: Buffers,
    train: Train,
    next_due: Option<Instant>,
    next_tick: Instant,
    tick: u64,
}

impl Thread {
    pub(super) fn new(
        settings: Settings,
        epoch: Instant,
        phase: watch::Receiver<Phase>,
        waker: OwnedFd,
        commands: Receiver<Command>,
    ) -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let data = epoll::EventData::new_u64(WAKER);
        epoll::add(&epoll, &waker, data, epoll::EventFlags::IN)?;
        Ok(Self {
            settings,
            epoch,
            phase,
            waker,
            epoll,
            commands,
            lanes: Vec::new(),
            buffers: Buffers::new(),
            train: Train::default(),
            next_due: None,
            next_tick: Instant::now(),
            tick: 0,
        })
    }

    /// Runs until the last handle is gone.
    pub(super) fn run(mut self) {
        let mut events = Vec::with_capacity(EVENTS);
        while self.obey() {
            self.follow_phase();
            let now = Instant::now();
            if self.next_due.is_some_and(|due| due <= now) {
                self.publish(now);
            }
            if self.next_tick <= now {
                self.look_after(now);
            }
            let until = self
                .next_due
                .map_or(self.next_tick, |due| due.min(self.next_tick));
            let wait = until.saturating_duration_since(Instant::now());
            let wait = Timespec::try_from(wait).unwrap_or_default();
            events.clear();
            match epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&wait)) {
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => {
                    tracing::error!(%error, "the field's sockets cannot be watched");
                    return;
                }
            }
            for event in &events {
                self.serve(event.data.u64());
            }
        }
    }

    fn serve(&mut self, key: u64) {
        if key == WAKER {
            let mut count = [0; 8];
            if let Err(error) = rustix::io::read(&self.waker, &mut count) {
                tracing::trace!(%error, "nobody woke the field");
            }
            return;
        }
        let lane = usize::try_from(key).ok().and_then(|key| self.lanes.get_mut(key));
        if let Some(Some(lane)) = lane {
            lane.receive(&mut self.buffers, self.settings, self.epoch);
        }
    }

    /// Does what was commanded; false once nobody commands any more.
    fn obey(&mut self) -> bool {
        loop {
            match self.commands.try_recv() {
                Ok(command) => self.carry_out(command),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn carry_out(&mut self, command: Command) {
        match command {
            Command::Attach(key, mut lane) => {
                lane.enter(*self.phase.borrow());
                let data = epoll::EventData::new_u64(key as u64);
                let added = epoll::add(&self.epoll, lane.socket(), data, epoll::EventFlags::IN);
                if let Err(error) = added {
                    tracing::error!(%error, "a socket cannot be watched");
                }
                if self.lanes.len() <= key {
                    self.lanes.resize_with(key + 1, || None);
                }
                self.lanes[key] = Some(lane);
            }
            Command::Publish(key, track) => {
                if let Some(lane) = self.lane(key) {
                    lane.publish(*track);
                }
                self.next_due = self.earliest();
            }
            Command::SetActive(key, mid, rids) => {
                if let Some(lane) = self.lane(key) {
                    lane.set_active(mid, &rids);
                }
            }
            Command::Detach(key, reply) => {
                let Some(lane) = self.lanes.get_mut(key).and_then(Option::take) else {
                    return;
                };
                if let Err(error) = epoll::delete(&self.epoll, lane.socket()) {
                    tracing::debug!(%error, "a socket was not watched");
                }
                self.next_due = self.earliest();
                if reply.send(lane.finish()).is_err() {
                    tracing::trace!("nobody waits for a client's report");
                }
            }
        }
    }

    fn lane(&mut self, key: usize) -> Option<&mut Lane> {
        self.lanes.get_mut(key)?.as_deref_mut()
    }

    fn follow_phase(&mut self) {
        if !self.phase.has_changed().unwrap_or(false) {
            return;
        }
        let phase = *self.phase.borrow_and_update();
        for lane in self.lanes.iter_mut().flatten() {
            lane.enter(phase);
        }
    }

    fn publish(&mut self, now: Instant) {
        for lane in self.lanes.iter_mut().flatten() {
            lane.send_due(now, self.epoch, &mut self.train);
        }
        self.next_due = self.earliest();
    }

    fn earliest(&self) -> Option<Instant> {
        self.lanes.iter().flatten().filter_map(|lane| lane.due()).min()
    }

    fn look_after(&mut self, now: Instant) {
        // A thread that was held up does not make up for the ticks it missed.
        self.next_tick = (self.next_tick + TICK).max(now);
        self.tick += 1;
        for (index, lane) in self.lanes.iter_mut().flatten().enumerate() {
            // Clients take turns, so that their feedback does not come all at once.
            let turn = Turn::at(self.tick + index as u64);
            lane.look_after(turn, now, &mut self.train.bytes);
            self.train.clear();
        }
    }
}
