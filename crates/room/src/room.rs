use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use indexmap::IndexMap;
use rand::SeedableRng;
use rand::rngs::StdRng;
use tertulia_model::{Identity, ParticipantId, RoomId, RoomName, TrackId};

use crate::admission::Gate;
use crate::attendance::Register;
use crate::audit;
use crate::board::Board;
use crate::breakout::{Breakouts, Recall};
use crate::chat::ChatLog;
use crate::member::Member;
use crate::poll::Polls;
use crate::publication::Publication;
use crate::record::Records;
use crate::{
    Actor, Audience, Command, Delivery, DepartureReason, Errand, Event, Fact, FollowMe, HandState, Now,
    ParticipantInfo, Refusal, Reply, Right, RoomInfo, RoomSettings, RoomSnapshot, RouteChange, SharedVideo,
    Standing, Timer, limits,
};

/// One life of one room. After every [`Room::handle`] and [`Room::handle_timeout`], drain
/// [`Room::poll_delivery`] first and [`Room::poll_route`] second (so that somebody expelled still hears why), then
/// ask [`Room::poll_timeout`] for the next deadline.
#[derive(Debug)]
pub struct Room {
    pub(crate) id: RoomId,
    pub(crate) name: RoomName,
    pub(crate) settings: RoomSettings,
    pub(crate) created_at_ms: u64,
    pub(crate) rng: StdRng,
    /// Who is here, in order of joining.
    pub(crate) members: IndexMap<ParticipantId, Member>,
    pub(crate) identities: BTreeMap<Identity, ParticipantId>,
    pub(crate) tracks: BTreeMap<TrackId, Publication>,
    /// Since when (Unix milliseconds) a removed identity needs a newer credential, oldest removal first.
    pub(crate) revoked: IndexMap<Identity, u64>,
    pub(crate) gate: Gate,
    /// What identities are, where that is not what newcomers are; the longest known first.
    pub(crate) standings: IndexMap<Identity, Standing>,
    /// Whether anybody has ever moderated.
    pub(crate) was_moderated: bool,
    /// When somebody takes the place of the moderators that are gone.
    pub(crate) succeed_at: Option<Instant>,
    pub(crate) chat: ChatLog,
    pub(crate) records: Records,
    pub(crate) polls: Polls,
    pub(crate) board: Board,
    pub(crate) register: Register,
    pub(crate) spotlight: Vec<Identity>,
    pub(crate) follow_me: Option<FollowMe>,
    pub(crate) timer: Option<Timer>,
    pub(crate) shared_video: Option<SharedVideo>,
    /// Raised hands in order.
    pub(crate) hands: Vec<ParticipantId>,
    pub(crate) last_hand_ms: u64,
    /// What was last said of each speaker.
    pub(crate) speaking: IndexMap<ParticipantId, u8>,
    pub(crate) breakouts: Breakouts,
    /// Of a breakout: its main room has called everybody back.
    pub(crate) recall: Option<Recall>,
    /// When demand for a track is looked at again, one entry a track at most.
    pub(crate) downgrades: BTreeSet<(Instant, TrackId)>,
    /// When the room ends unless somebody comes.
    pub(crate) close_at: Option<Instant>,
    pub(crate) next_ticket: u64,
    pub(crate) started: bool,
    pub(crate) ended: bool,
    /// The room as last told, and whether it may have changed since.
    told: RoomInfo,
    pub(crate) touched: bool,
    deliveries: VecDeque<Delivery>,
    routes: VecDeque<RouteChange>,
    errands: VecDeque<Errand>,
}

impl Room {
    /// Opens an empty room, which ends after [`RoomSettings::empty_timeout`] unless somebody joins. `seed` must
    /// differ from that of every other room: ids of participants and tracks are drawn from it.
    pub fn new(id: RoomId, name: RoomName, settings: RoomSettings, seed: [u8; 32], now: Now) -> Self {
        let rng = StdRng::from_seed(seed);
        let mut room = Self {
            told: RoomInfo {
                id: id.clone(),
                name: name.clone(),
                metadata: String::new(),
                participants: 0,
                viewers: 0,
                publishers: 0,
                max_participants: None,
                created_at_ms: now.unix_ms,
                recording: false,
                empty_timeout_s: 0,
                departure_timeout_s: 0,
            },
            id,
            name,
            chat: ChatLog::new(settings.chat_history),
            records: Records::default(),
            close_at: now.instant.checked_add(settings.empty_timeout),
            settings,
            created_at_ms: now.unix_ms,
            rng,
            members: IndexMap::new(),
            identities: BTreeMap::new(),
            tracks: BTreeMap::new(),
            revoked: IndexMap::new(),
            gate: Gate::default(),
            standings: IndexMap::new(),
            was_moderated: false,
            succeed_at: None,
            polls: Polls::new(),
            board: Board::default(),
            register: Register::default(),
            spotlight: Vec::new(),
            follow_me: None,
            timer: None,
            shared_video: None,
            hands: Vec::new(),
            last_hand_ms: 0,
            speaking: IndexMap::new(),
            breakouts: Breakouts::default(),
            recall: None,
            downgrades: BTreeSet::new(),
            next_ticket: 0,
            started: false,
            ended: false,
            touched: false,
            deliveries: VecDeque::new(),
            routes: VecDeque::new(),
            errands: VecDeque::new(),
        };
        room.told = room.info();
        room
    }

    /// Does what `actor` asks, or says why not; a refused command changes nothing.
    ///
    /// # Errors
    /// A [`Refusal`], for the actor alone.
    pub fn handle(&mut self, actor: &Actor, command: Command, now: Now) -> Result<Reply, Refusal> {
        if self.ended {
            return Err(Refusal::RoomEnded);
        }
        let deed = audit::deed(&command).zip(self.audited(actor));
        let reply = self.dispatch(actor, command, now);
        if let (Some(((action, subject, detail), by)), Ok(_)) = (deed, &reply) {
            self.audit(by, action, subject, detail, now);
        }
        self.tell_breakouts(now);
        self.tell_room_changes();
        reply
    }

    /// Does what is due by `now`.
    pub fn handle_timeout(&mut self, now: Now) {
        if self.ended {
            return;
        }
        self.settle_demands(now.instant);
        self.settle_polls(now.instant);
        self.settle_board(now.instant);
        self.settle_lobby(now);
        self.settle_breakouts(now);
        if self.succeed_at.is_some_and(|at| at <= now.instant) {
            self.succeed(now);
        }
        if self.close_at.is_some_and(|at| at <= now.instant) {
            self.end(DepartureReason::RoomEnded, now);
        }
        self.tell_breakouts(now);
        self.tell_room_changes();
    }

    /// When [`Room::handle_timeout`] wants to be called next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.ended {
            return None;
        }
        let downgrade = self.downgrades.first().map(|(at, _)| *at);
        [
            downgrade,
            self.close_at,
            self.succeed_at,
            self.polls.poll_timeout(),
            self.board.poll_timeout(),
            self.gate.poll_timeout(),
            self.breakouts_timeout(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// The next event to deliver, oldest first.
    pub fn poll_delivery(&mut self) -> Option<Delivery> {
        self.deliveries.pop_front()
    }

    /// The next change for the forwarding engine, oldest first.
    pub fn poll_route(&mut self) -> Option<RouteChange> {
        self.routes.pop_front()
    }

    /// The next thing to do outside this room, oldest first.
    pub fn poll_errand(&mut self) -> Option<Errand> {
        self.errands.pop_front()
    }

    /// Whether the room is over; everything is refused from then on.
    pub fn is_ended(&self) -> bool {
        self.ended
    }

    /// The room as others may see it.
    pub fn info(&self) -> RoomInfo {
        let visible = || {
            self.members
                .values()
                .filter(|member| !member.info.permission.hidden)
        };
        let seconds = |duration: std::time::Duration| u32::try_from(duration.as_secs()).unwrap_or(u32::MAX);
        RoomInfo {
            id: self.id.clone(),
            name: self.name.clone(),
            metadata: self.settings.metadata.clone(),
            participants: visible().count(),
            viewers: self
                .members
                .values()
                .filter(|member| member.info.permission.hidden && !member.info.base.hidden)
                .count(),
            publishers: visible().filter(|member| !member.info.tracks.is_empty()).count(),
            max_participants: self.settings.max_participants,
            created_at_ms: self.created_at_ms,
            recording: self
                .members
                .values()
                .any(|member| member.info.permission.recorder),
            empty_timeout_s: seconds(self.settings.empty_timeout),
            departure_timeout_s: seconds(self.settings.departure_timeout),
        }
    }

    /// Somebody present, hidden or not.
    pub fn participant(&self, id: &ParticipantId) -> Option<&ParticipantInfo> {
        self.members.get(id).map(|member| &member.info)
    }

    /// Somebody present, hidden or not, by identity.
    pub fn participant_by_identity(&self, identity: &Identity) -> Option<&ParticipantInfo> {
        self.participant(self.identities.get(identity)?)
    }

    /// Everybody present, hidden ones included, in order of joining.
    pub fn participants(&self) -> impl Iterator<Item = &ParticipantInfo> {
        self.members.values().map(|member| &member.info)
    }

    fn dispatch(&mut self, actor: &Actor, command: Command, now: Now) -> Result<Reply, Refusal> {
        if let Actor::Participant(id) = actor
            && !self.members.contains_key(id)
        {
            return Err(Refusal::NoSuchParticipant);
        }
        // From a breakout the meeting is led as far as breakouts and the lobby go, and no further.
        let from_afar = matches!(
            command,
            Command::Breakout(_) | Command::Admit { .. } | Command::Deny { .. } | Command::TellLobby { .. }
        );
        if matches!(actor, Actor::Away(_)) && !from_afar {
            return Err(Refusal::NotAllowed);
        }
        self.authorise(actor, &command)?;
        match command {
            Command::Join(who) => self.join(*who, now),
            Command::Leave { reason } => {
                let who = asking(actor)?;
                self.depart(&who, reason, now);
                Ok(Reply::Done)
            }
            Command::Publish(track) => self.publish(&asking(actor)?, *track, now),
            Command::Unpublish { track } => self.unpublish_own(&asking(actor)?, &track),
            Command::SetMuted { track, muted } => self.mute_own(&asking(actor)?, &track, muted, now),
            Command::UpdateTrack {
                track,
                size,
                layers,
                audio,
            } => self.update_track(&asking(actor)?, &track, size, layers, audio, now),
            Command::Subscribe { tracks, on } => self.subscribe(&asking(actor)?, tracks, on, now.instant),
            Command::SetTrackSettings { tracks, settings } => {
                self.set_track_settings(&asking(actor)?, &tracks, settings, now.instant)
            }
            Command::SetPublisherPermissions {
                all_participants,
                permissions,
            } => self.set_publisher_permissions(&asking(actor)?, all_participants, permissions, now.instant),
            Command::UpdateSelf {
                name,
                metadata,
                attributes,
            } => self.update_self(&asking(actor)?, name, metadata, attributes, now),
            Command::SendData(message) => self.send_data(actor, message),
            Command::Chat(input) => self.say(&asking(actor)?, input, now),
            Command::AskToShare => self.may_share(&asking(actor)?),
            Command::ShareFile(shared) => self.share_file(&asking(actor)?, shared, now),
            Command::EditChat { seq, text } => self.edit_chat(&asking(actor)?, seq, &text, now),
            Command::DeleteChat { seq } => self.delete_chat(actor, seq),
            Command::ReactToChat { seq, kind, on } => {
                self.react_to_chat(&asking(actor)?, seq, &kind, on, now)
            }
            Command::CreatePoll(poll) => self.create_poll(&asking(actor)?, poll, now),
            Command::Vote { poll, choices } => self.vote(&asking(actor)?, poll, choices, now),
            Command::ClosePoll { poll } => self.close_poll(poll, now),
            Command::DeletePoll { poll } => self.delete_poll(actor, poll),
            Command::ShareVideo { url } => self.share_video(actor, url, now),
            Command::SteerVideo { playing, position_ms } => {
                self.steer_video(&asking(actor)?, playing, position_ms, now)
            }
            Command::ShowBoard { on } => self.show_board(actor, on),
            Command::WatchBoard { on } => self.watch_board(&asking(actor)?, on, now),
            Command::Draw { epoch, elements } => self.draw(&asking(actor)?, epoch, elements, now),
            Command::ClearBoard => self.clear_board(actor, now),
            Command::SetHand { raised } => self.set_hand(&asking(actor)?, raised, now),
            Command::React { kind } => self.react(&asking(actor)?, kind, now),
            Command::Remove { identity, revoke } => self.remove(actor, &identity, revoke, now),
            Command::MuteTrack {
                identity,
                track,
                muted,
            } => self.mute_other(&identity, &track, muted),
            Command::UpdateParticipant {
                identity,
                name,
                metadata,
                attributes,
                permission,
            } => self.update_participant(actor, &identity, (name, metadata, attributes), permission, now),
            Command::UpdateSubscriptions { identity, tracks, on } => {
                let who = self.find(&identity)?;
                self.subscribe(&who, tracks, on, now.instant)
            }
            Command::SetRoomMetadata { metadata } => self.set_room_metadata(metadata),
            Command::Knock(who) => self.knock(*who, true, now),
            Command::AskEntry(who) => self.knock(*who, false, now),
            Command::LobbyPresence { identity, here } => self.lobby_presence(&identity, here, now),
            Command::LeaveLobby { identity } => self.leave_lobby(identity, now),
            Command::Admit { who } => self.admit(actor, who, now),
            Command::Deny { who } => self.deny(actor, who, now),
            Command::TellLobby { text } => self.tell_waiting(actor, &text),
            Command::Ban { identity } => self.ban(actor, &identity, now),
            Command::Unban { identity } => self.unban(actor, &identity),
            Command::SetRole { identity, role } => self.set_role(actor, &identity, role, now),
            Command::SetRights {
                identity,
                grant,
                revoke,
            } => self.set_rights(actor, &identity, grant, revoke, now),
            Command::SetAccess(change) => self.set_access(actor, change, now),
            Command::SetRules(change) => self.set_rules(actor, change, now),
            Command::MuteSource { identity, source } => self.mute_source(&identity, source),
            Command::MuteAll { source, except } => self.mute_all(actor, source, &except),
            Command::AskUnmute { identity, source } => self.ask_unmute(actor, &identity, source, now),
            Command::LowerHand { identity } => self.lower_hands(identity.as_ref(), now),
            Command::GiveFloor { identity } => self.give_floor(actor, identity.as_ref(), now),
            Command::Spotlight { identities } => self.spotlight(actor, identities),
            Command::FollowMe { layout } => self.follow_me(&asking(actor)?, layout, now),
            Command::SetTimer { duration, title } => self.set_timer(actor, duration, &title, now),
            Command::ReadAttendance => Ok(Reply::Attendance(self.attendance(now))),
            Command::End => {
                let reason = match actor {
                    Actor::System => DepartureReason::ServerShutdown,
                    _ => DepartureReason::RoomEnded,
                };
                self.end(reason, now);
                Ok(Reply::Done)
            }
            Command::ListParticipants => Ok(self.list_participants(actor)),
            Command::FindParticipant { identity } => self.find_participant(actor, &identity),
            Command::ReadChat { before, limit } => Ok(self.read_chat(actor, before, limit)),
            Command::ReadSnapshot => Ok(Reply::Snapshot(Box::new(self.snapshot(actor)))),
            Command::Breakout(command) => self.handle_breakouts(actor, command, now),
            Command::FromParent(what) => self.hear_parent(what, now),
            Command::Fact(fact) => self.learn(fact, now),
        }
    }

    fn learn(&mut self, fact: Fact, now: Now) -> Result<Reply, Refusal> {
        match fact {
            Fact::Connected { participant } => self.connected(&participant)?,
            Fact::TrackBound {
                track,
                codec,
                simulcast,
                red,
            } => {
                self.track_bound(&track, codec, simulcast, red, now.instant)?;
            }
            Fact::TrackGone { track } => {
                self.tracks.get(&track).ok_or(Refusal::NoSuchTrack)?;
                self.unpublish(&track);
            }
            Fact::Speakers(speakers) => self.speakers(&speakers, now),
            Fact::Quality(reports) => self.report_quality(&reports),
            Fact::StreamState {
                subscriber,
                track,
                paused,
            } => {
                self.stream_state(&subscriber, &track, paused)?;
            }
            Fact::BackupNeeded { subscriber, track } => {
                self.backup_needed(&subscriber, &track, now.instant)?;
            }
            Fact::CodecUnsupported { subscriber, track } => {
                self.codec_unsupported(&subscriber, &track, now.instant)?;
            }
            Fact::Subscribed { subscriber, track } => self.subscribed(&subscriber, &track)?,
            Fact::Breakout { room, report } => self.hear_breakout(&room, report, now)?,
        }
        Ok(Reply::Done)
    }

    /// Checks what the table of [`crate::Act`] says.
    fn authorise(&self, actor: &Actor, command: &Command) -> Result<(), Refusal> {
        let rights = match actor {
            Actor::Participant(id) => self.member(id)?.info.rights,
            Actor::Away(identity) => self.rights_away(identity)?,
            Actor::Admin | Actor::System => Default::default(),
        };
        if command.act().need().is_met(actor, rights) {
            Ok(())
        } else {
            Err(Refusal::NotAllowed)
        }
    }

    /// What somebody who comes late needs to know beside who is here.
    fn snapshot(&self, actor: &Actor) -> RoomSnapshot {
        let own = match actor {
            Actor::Participant(id) => self.members.get(id).map(|member| &member.info),
            Actor::Away(_) | Actor::Admin | Actor::System => None,
        };
        let may = |right| own.is_none_or(|info| info.rights.has(right));
        let hands = self
            .hands
            .iter()
            .filter_map(|id| self.members.get(id))
            .filter_map(|member| {
                Some(HandState {
                    raised_at_ms: member.info.hand_raised_at_ms?,
                    identity: member.info.identity.clone(),
                    name: member.info.name.clone(),
                })
            });
        let (breakout_place, breakouts) = own
            .map(|info| self.breakout_views(&info.identity))
            .unwrap_or_default();
        let (chat, _) = self.chat_page(actor, None, limits::SNAPSHOT_CHAT);
        RoomSnapshot {
            room: self.info(),
            chat,
            hands: hands.collect(),
            rules: self.settings.rules.clone(),
            spotlight: self.spotlight.clone(),
            follow_me: self.follow_me.clone(),
            timer: self.timer.clone(),
            shared_video: self.shared_video.clone(),
            polls: self.polls.shown(),
            board_shown: self.board.shown_by().cloned(),
            votes: own
                .map(|info| self.polls.votes_of(&info.identity))
                .unwrap_or_default(),
            lobby: if may(Right::Admit) {
                self.gate.knockers()
            } else {
                Vec::new()
            },
            bans: if may(Right::Admit) {
                self.gate.bans()
            } else {
                Vec::new()
            },
            breakout_place,
            breakouts,
            own: own.map(|info| (info.role, info.rights)),
        }
    }

    pub(crate) fn find(&self, identity: &Identity) -> Result<ParticipantId, Refusal> {
        self.identities
            .get(identity)
            .cloned()
            .ok_or(Refusal::NoSuchParticipant)
    }

    pub(crate) fn member(&self, id: &ParticipantId) -> Result<&Member, Refusal> {
        self.members.get(id).ok_or(Refusal::NoSuchParticipant)
    }

    pub(crate) fn member_mut(&mut self, id: &ParticipantId) -> Result<&mut Member, Refusal> {
        self.members.get_mut(id).ok_or(Refusal::NoSuchParticipant)
    }

    pub(crate) fn send(&mut self, to: Audience, event: Event) {
        self.deliveries.push_back(Delivery {
            to,
            event: Arc::new(event),
        });
    }

    /// Sends to one participant, and to observers.
    pub(crate) fn send_observed(&mut self, to: &ParticipantId, event: Event) {
        let event = Arc::new(event);
        self.deliveries.push_back(Delivery {
            to: Audience::One(to.clone()),
            event: Arc::clone(&event),
        });
        self.deliveries.push_back(Delivery {
            to: Audience::Observers,
            event,
        });
    }

    /// Sends to some, and to observers.
    pub(crate) fn send_some_observed(&mut self, to: Vec<ParticipantId>, event: Event) {
        let event = Arc::new(event);
        if !to.is_empty() {
            self.deliveries.push_back(Delivery {
                to: Audience::Some(to),
                event: Arc::clone(&event),
            });
        }
        self.deliveries.push_back(Delivery {
            to: Audience::Observers,
            event,
        });
    }

    pub(crate) fn errand(&mut self, errand: Errand) {
        self.errands.push_back(errand);
    }

    pub(crate) fn route(&mut self, change: RouteChange) {
        self.routes.push_back(change);
    }

    /// Raises somebody's version and tells everybody who may know of them.
    pub(crate) fn announce(&mut self, id: &ParticipantId) {
        let Some(member) = self.members.get_mut(id) else {
            return;
        };
        member.info.version = member.info.version.saturating_add(1);
        let event = Event::ParticipantChanged(member.info.clone());
        if member.info.permission.hidden {
            self.send_observed(id, event);
        } else {
            self.send(Audience::Everybody, event);
        }
    }

    fn tell_room_changes(&mut self) {
        if !self.touched || self.ended || !self.started {
            return;
        }
        self.touched = false;
        let info = self.info();
        if info != self.told {
            self.told = info.clone();
            self.send(Audience::Everybody, Event::RoomChanged(info));
        }
    }

    /// Says that the room begins; what is told next is what differs from now.
    pub(crate) fn start(&mut self) {
        self.started = true;
        self.touched = false;
        self.told = self.info();
        self.send(Audience::Observers, Event::RoomStarted(self.told.clone()));
    }
}

/// The participant who asks; those outside the room cannot do what only participants do.
fn asking(actor: &Actor) -> Result<ParticipantId, Refusal> {
    match actor {
        Actor::Participant(id) => Ok(id.clone()),
        Actor::Away(_) | Actor::Admin | Actor::System => Err(Refusal::NotAllowed),
    }
}
