//! The clients of a scenario, and the clock they are measured by.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::client::{self, ClientReport, Milestone, Phase, Plan, Stage};
use crate::error::{BenchError, ClientError};
use crate::light::{Field, Settings};
use crate::peer::Identity;
use crate::process::Process;
use crate::signalling::Signalling;

/// The server that is measured.
#[derive(Debug, Clone)]
pub struct Target<P> {
    /// How clients reach it.
    pub place: P,
    /// Its process, where known.
    pub process: Option<Process>,
    /// How clients are made: light with these settings, or full.
    pub light: Option<Settings>,
}

/// What was used in the measured time.
#[derive(Debug, Clone)]
pub struct Measured {
    /// How long it was.
    pub elapsed: Duration,
    /// The server's use, where its process is known.
    pub server: Option<ServerUse>,
    /// The generator's nanoseconds on processors.
    pub generator_ns: u64,
}

/// What the server used.
#[derive(Debug, Clone)]
pub struct ServerUse {
    /// Nanoseconds on processors by kind of thread.
    pub cpu_ns: BTreeMap<String, u64>,
    /// Resident memory at the end.
    pub resident_bytes: u64,
}

type Ended = (u32, Result<ClientReport, ClientError>);

/// Clients that run together.
pub struct Crew<S: Signalling> {
    target: Target<S::Place>,
    phase: watch::Sender<Phase>,
    stage: Stage,
    milestones: mpsc::UnboundedReceiver<Milestone>,
    running: JoinSet<Ended>,
    done: Vec<ClientReport>,
}

impl<S: Signalling> Crew<S> {
    /// A crew without clients.
    ///
    /// # Errors
    /// When no certificate can be made.
    pub fn new(target: Target<S::Place>) -> Result<Self, BenchError> {
        let (phase, receiver) = watch::channel(Phase::Settle);
        let (sender, milestones) = mpsc::unbounded_channel();
        let fault = |error| BenchError::Client(0, error);
        let identity = Identity::generate().map_err(fault)?;
        let epoch = Instant::now();
        let field = target
            .light
            .map(|settings| Field::start(settings, epoch, receiver.clone()))
            .transpose()
            .map_err(fault)?;
        let stage = Stage {
            epoch,
            phase: receiver,
            milestones: sender,
            identity,
            field,
        };
        Ok(Self {
            target,
            phase,
            stage,
            milestones,
            running: JoinSet::new(),
            done: Vec::new(),
        })
    }

    /// Starts a client.
    pub fn add(&mut self, plan: Plan) {
        let (place, stage) = (self.target.place.clone(), self.stage.clone());
        self.running
            .spawn(async move { (plan.index, client::run::<S>(plan, place, stage).await) });
    }

    /// How many clients are still running.
    pub fn running(&self) -> usize {
        self.running.len()
    }

    /// Waits until `count` milestones of the kind `wanted` have been reached.
    ///
    /// # Errors
    /// When a client fails, or time runs out.
    pub async fn wait(
        &mut self,
        what: &'static str,
        count: usize,
        timeout: Duration,
        wanted: fn(&Milestone) -> bool,
    ) -> Result<(), BenchError> {
        let deadline = tokio::time::Instant::now() + timeout;
        let mut reached = 0;
        while reached < count {
            tokio::select! {
                Some(milestone) = self.milestones.recv() => reached += usize::from(wanted(&milestone)),
                Some(ended) = self.running.join_next() => self.note(ended)?,
                () = tokio::time::sleep_until(deadline) => {
                    return Err(BenchError::Server(format!(
                        "{what}: {reached} of {count} after {} s", timeout.as_secs()
                    )));
                }
            }
        }
        Ok(())
    }

    /// Waits until a client has ended by itself.
    ///
    /// # Errors
    /// When it failed.
    pub async fn wait_for_one(&mut self) -> Result<(), BenchError> {
        match self.running.join_next().await {
            Some(ended) => self.note(ended),
            None => Ok(()),
        }
    }

    /// Lets time pass while clients run.
    ///
    /// # Errors
    /// When a client fails.
    pub async fn rest(&mut self, duration: Duration) -> Result<(), BenchError> {
        let end = tokio::time::Instant::now() + duration;
        loop {
            tokio::select! {
                Some(ended) = self.running.join_next() => self.note(ended)?,
                () = tokio::time::sleep_until(end) => return Ok(()),
            }
        }
    }

    /// Counts for `duration`.
    ///
    /// # Errors
    /// When a client fails, or the server's process cannot be watched.
    pub async fn measure(&mut self, duration: Duration) -> Result<Measured, BenchError> {
        let meter = self.start_measuring()?;
        self.rest(duration).await?;
        self.stop_measuring(meter)
    }

    /// Begins to count.
    ///
    /// # Errors
    /// When the server's process cannot be watched.
    pub fn start_measuring(&self) -> Result<Meter, BenchError> {
        let meter = Meter {
            began: Instant::now(),
            server: self
                .target
                .process
                .as_ref()
                .map(|process| process.cpu())
                .transpose()
                .map_err(watch_fault)?,
            generator: Process::own().cpu().map_err(watch_fault)?,
        };
        self.phase.send_replace(Phase::Measure);
        Ok(meter)
    }

    /// Counts no more.
    ///
    /// # Errors
    /// As [`Crew::start_measuring`].
    pub fn stop_measuring(&self, meter: Meter) -> Result<Measured, BenchError> {
        self.phase.send_replace(Phase::Rest);
        let elapsed = meter.began.elapsed();
        let generator = Process::own().cpu().map_err(watch_fault)?;
        let server = match (&self.target.process, meter.server) {
            (Some(process), Some(before)) => Some(ServerUse {
                cpu_ns: process.cpu().map_err(watch_fault)?.since(&before),
                resident_bytes: process.resident_bytes().map_err(watch_fault)?,
            }),
            _ => None,
        };
        Ok(Measured {
            elapsed,
            server,
            generator_ns: generator.since(&meter.generator).values().sum(),
        })
    }

    /// The server's resident memory now, where its process is known.
    ///
    /// # Errors
    /// When the process cannot be watched.
    pub fn resident_bytes(&self) -> Result<Option<u64>, BenchError> {
        let process = self.target.process.as_ref();
        process
            .map(Process::resident_bytes)
            .transpose()
            .map_err(watch_fault)
    }

    /// Ends all clients and gives their reports, in the order in which they ended.
    ///
    /// # Errors
    /// When a client failed.
    pub async fn stop(mut self) -> Result<Vec<ClientReport>, BenchError> {
        self.phase.send_replace(Phase::Stop);
        while let Some(ended) = self.running.join_next().await {
            self.note(ended)?;
        }
        Ok(self.done)
    }

    fn note(&mut self, ended: Result<Ended, tokio::task::JoinError>) -> Result<(), BenchError> {
        let (index, result) = ended.map_err(BenchError::Task)?;
        self.done
            .push(result.map_err(|error| BenchError::Client(index, error))?);
        Ok(())
    }
}

/// A measurement under way.
#[derive(Debug)]
pub struct Meter {
    began: Instant,
    server: Option<crate::process::CpuTimes>,
    generator: crate::process::CpuTimes,
}

fn watch_fault(error: std::io::Error) -> BenchError {
    BenchError::Server(format!("its process cannot be watched: {error}"))
}
