//! Every request of this protocol, tried with every role and every right by itself, against the one table the room decides
//! by (`docs/permissions.md` is made from the same): signalling, data packets, and the room service with every grant.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops where its scene cannot be set"
)]

mod support;

use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use axum::http::{Request as HttpRequest, StatusCode, header};
use livekit_protocol as pb;
use pb::data_packet::Value as Data;
use pb::request_response::Reason;
use pb::signal_request::Message as Request;
use pb::signal_response::Message as Response;
use serde_json::{Value, json};
use support::peer::LiveKitPeer;
use support::{Client, House, house, microphone, token};
use tertulia_auth::Claims;
use tertulia_door_livekit::{fuzzing::API_METHODS, router};
use tertulia_engine::RoomHandle;
use tertulia_model::{Codec, Identity, RoomName, Source, TrackId};
use tertulia_room::{Act, Actor, Command, Fact, Need, Reply, Right, Rights, Role};
use tower::ServiceExt as _;

/// The attribute that raises a hand.
const HAND: &str = "tertulia.hand";

/// As whom something is asked.
#[derive(Debug, Clone, Copy)]
enum As {
    Role(Role),
    /// An owner without this right.
    Without(Right),
    /// A viewer with these rights as well.
    With(&'static [Right]),
}

impl As {
    fn rights(self) -> Rights {
        match self {
            Self::Role(role) => Rights::of_role(role),
            Self::Without(right) => Rights::of_role(Role::Owner).without(Rights::of(&[right])),
            Self::With(rights) => Rights::of_role(Role::Viewer).with(Rights::of(rights)),
        }
    }

    /// Makes somebody that, in a room where nobody else is of a higher role than they.
    async fn become_of(self, room: &RoomHandle, who: &str) {
        let identity = Identity::parse(who).unwrap();
        let (role, grant, revoke) = match self {
            Self::Role(role) => (role, Rights::NONE, Rights::NONE),
            Self::Without(right) => (Role::Owner, Rights::NONE, Rights::of(&[right])),
            Self::With(rights) => {
                let bo = Identity::parse("bo").unwrap();
                rule(
                    room,
                    Command::SetRole {
                        identity: bo,
                        role: Role::Viewer,
                    },
                )
                .await;
                (Role::Viewer, Rights::of(rights), Rights::NONE)
            }
        };
        let (identity_, set) = (identity.clone(), Command::SetRole { identity, role });
        rule(room, set).await;
        rule(
            room,
            Command::SetRights {
                identity: identity_,
                grant,
                revoke,
            },
        )
        .await;
    }
}

async fn rule(room: &RoomHandle, command: Command) -> Reply {
    room.command(Actor::Admin, command).await.unwrap()
}

/// What else an act needs, as the last column of the table says.
fn besides(act: Act) -> Rights {
    match act {
        Act::PublishOther => Rights::of(&[Right::Camera, Right::ShareScreen]),
        _ => Rights::NONE,
    }
}

fn may(act: Act, rights: Rights) -> bool {
    act.need().is_met_by(rights) && rights.include(besides(act))
}

/// Every role, and the right an act needs taken from who has all and given to who has least.
fn everybody(act: Act) -> Vec<As> {
    let mut all = Role::ALL.map(As::Role).to_vec();
    if let Need::Own(right) | Need::Right(right) = act.need() {
        let one = Right::ALL.iter().position(|other| *other == right).unwrap();
        let alone: &'static [Right] = match act {
            Act::PublishOther => &[Right::Microphone, Right::Camera, Right::ShareScreen],
            _ => &ALL_RIGHTS[one..=one],
        };
        all.extend([As::Without(right), As::With(alone)]);
    }
    all
}

static ALL_RIGHTS: [Right; 25] = Right::ALL;

/// What of the table a request is; `None` for what asks nothing of the room. A request that the protocol gains is missed
/// here by the compiler.
fn act_of(request: &Request) -> Option<Act> {
    match request {
        Request::AddTrack(track) => Some(match track.source() {
            pb::TrackSource::Microphone => Act::PublishMicrophone,
            pb::TrackSource::Camera => Act::PublishCamera,
            pb::TrackSource::ScreenShare | pb::TrackSource::ScreenShareAudio => Act::PublishScreen,
            pb::TrackSource::Unknown => Act::PublishOther,
        }),
        #[expect(deprecated, reason = "older clients still send it")]
        Request::UpdateLayers(_) => Some(Act::ChangeTrack),
        Request::Mute(_) | Request::UpdateAudioTrack(_) | Request::UpdateVideoTrack(_) => {
            Some(Act::ChangeTrack)
        }
        Request::Subscription(_) | Request::TrackSetting(_) | Request::SyncState(_) => Some(Act::Subscribe),
        Request::SubscriptionPermission(_) => Some(Act::AllowSubscribers),
        Request::UpdateMetadata(update) if update.attributes.contains_key(HAND) => {
            Some(Act::RaiseHand)
        }
        Request::UpdateMetadata(_) => Some(Act::UpdateSelf),
        Request::Leave(_) => Some(Act::Leave),
        Request::Offer(_)
        | Request::Answer(_)
        | Request::Trickle(_)
        | Request::Simulate(_)
        | Request::Ping(_)
        | Request::PingReq(_)
        // Nobody has data tracks or blobs here.
        | Request::PublishDataTrackRequest(_)
        | Request::UnpublishDataTrackRequest(_)
        | Request::UpdateDataSubscription(_)
        | Request::StoreDataBlobRequest(_)
        | Request::GetDataBlobRequest(_) => None,
    }
}

fn publish(source: pb::TrackSource, kind: pb::TrackType) -> Request {
    Request::AddTrack(pb::AddTrackRequest {
        cid: "tried".to_owned(),
        r#type: kind.into(),
        source: source.into(),
        ..Default::default()
    })
}

/// One request of each kind, right in form. `own` and `other` are tracks.
fn requests(own: &str, other: &str) -> Vec<Request> {
    use pb::TrackSource as S;
    use pb::TrackType as T;
    let own = own.to_owned();
    let about = |name: &str, attributes: &[(&str, &str)]| {
        let attributes = attributes
            .iter()
            .map(|(key, value)| (key.to_string(), value.to_string()));
        Request::UpdateMetadata(pb::UpdateParticipantMetadata {
            name: name.to_owned(),
            attributes: attributes.collect(),
            ..Default::default()
        })
    };
    vec![
        publish(S::Microphone, T::Audio),
        publish(S::Camera, T::Video),
        publish(S::ScreenShare, T::Video),
        publish(S::ScreenShareAudio, T::Audio),
        publish(S::Unknown, T::Video),
        Request::Mute(pb::MuteTrackRequest {
            sid: own.clone(),
            muted: true,
        }),
        Request::UpdateAudioTrack(pb::UpdateLocalAudioTrack {
            track_sid: own.clone(),
            features: vec![],
        }),
        Request::UpdateVideoTrack(pb::UpdateLocalVideoTrack {
            track_sid: own,
            width: 640,
            height: 360,
        }),
        Request::Subscription(pb::UpdateSubscription {
            track_sids: vec![other.to_owned()],
            subscribe: true,
            participant_tracks: vec![],
        }),
        Request::TrackSetting(pb::UpdateTrackSettings {
            track_sids: vec![other.to_owned()],
            disabled: true,
            ..Default::default()
        }),
        Request::SyncState(pb::SyncState::default()),
        Request::SubscriptionPermission(pb::SubscriptionPermission {
            all_participants: true,
            track_permissions: vec![],
        }),
        about("Another", &[]),
        about("", &[(HAND, "1")]),
        Request::Leave(pb::LeaveRequest::default()),
    ]
}

/// Ann, who asks, and Bo, each with a microphone, in a room of their own.
struct Scene {
    ann: Client,
    _bo: Client,
    own: String,
    other: String,
    room: RoomHandle,
}

impl Scene {
    async fn new(house: &House, name: &str, change: impl Fn(&mut Claims)) -> Self {
        let room = RoomName::parse(name).unwrap();
        let bo = token("bo", |claims| claims.video.room = Some(room.clone()));
        let (bo, other) = with_microphone(house, &bo).await;
        let ann = token("ann", |claims| {
            claims.video.room = Some(room.clone());
            change(claims);
        });
        let mut ann = Client::connect(&house.v1(&ann, pb::JoinRequest::default())).await;
        ann.send(microphone("own")).await;
        let own = refusal_or(&mut ann, "own").await.unwrap_or_default();
        let room = house.engine.find_room(&room).unwrap();
        // Nobody subscribes to what does not flow.
        let flows = Fact::TrackBound {
            track: TrackId::parse(&other).unwrap(),
            codec: Codec::Opus,
            simulcast: false,
            red: false,
        };
        room.command(Actor::System, Command::Fact(flows)).await.unwrap();
        Self {
            ann,
            _bo: bo,
            own,
            other,
            room,
        }
    }
}

async fn with_microphone(house: &House, token: &str) -> (Client, String) {
    let mut client = Client::connect(&house.v1(token, pb::JoinRequest::default())).await;
    client.send(microphone("first")).await;
    let sid = refusal_or(&mut client, "first").await.unwrap();
    (client, sid)
}

/// The id of the track announced under that name, or nothing where it was refused.
async fn refusal_or(client: &mut Client, cid: &str) -> Option<String> {
    client
        .expect(|message| match message {
            Response::TrackPublished(published) if published.cid == cid => {
                Some(Some(published.track.unwrap().sid))
            }
            Response::RequestResponse(response) if response.reason() == Reason::NotAllowed => Some(None),
            _ => None,
        })
        .await
}

/// Asks and says whether that was allowed.
async fn allowed(client: &mut Client, request: Request) -> bool {
    if let Request::AddTrack(track) = &request {
        let cid = track.cid.clone();
        client.send(request).await;
        return refusal_or(client, &cid).await.is_some();
    }
    let leaves = matches!(request, Request::Leave(_));
    client.send(request).await;
    if leaves {
        client.closed().await;
        return true;
    }
    client
        .send(Request::PingReq(pb::Ping { timestamp: 7, rtt: 0 }))
        .await;
    let mut allowed = true;
    loop {
        match client.next().await.expect("the server closed the connection") {
            Response::RequestResponse(response) => allowed &= response.reason() != Reason::NotAllowed,
            Response::SubscriptionResponse(_) => allowed = false,
            Response::PongResp(_) => return allowed,
            _ => {}
        }
    }
}

#[tokio::test]
async fn every_request_with_every_role_and_right_is_judged_as_the_table_says() {
    let house = House::open().await;
    let mut tried = 0;
    for (place, example) in requests("TR_x", "TR_x").into_iter().enumerate() {
        let act = act_of(&example).unwrap();
        for who in everybody(act) {
            tried += 1;
            let mut scene = Scene::new(&house, &format!("r{tried}"), |_| {}).await;
            who.become_of(&scene.room, "ann").await;
            let request = requests(&scene.own, &scene.other).swap_remove(place);
            let what = format!("{who:?}: {act:?} by {request:?}");
            assert_eq!(
                allowed(&mut scene.ann, request).await,
                may(act, who.rights()),
                "{what}"
            );
        }
    }
}

/// What a token denies, no role gives back; R6, J9.
#[tokio::test]
async fn every_request_with_every_grant_of_a_token_is_judged_as_the_table_says() {
    type Change = fn(&mut Claims);
    let grants: [(Change, &[Act]); 6] = [
        (|_| {}, &[]),
        (
            |claims| claims.video.can_publish = Some(false),
            &[
                Act::PublishMicrophone,
                Act::PublishCamera,
                Act::PublishScreen,
                Act::PublishOther,
                // Where a token says nothing of data, it says the same of it.
                Act::RaiseHand,
            ],
        ),
        (
            |claims| claims.video.can_publish_sources = vec![Source::Microphone],
            &[Act::PublishCamera, Act::PublishScreen, Act::PublishOther],
        ),
        (
            |claims| claims.video.can_subscribe = Some(false),
            &[Act::Subscribe],
        ),
        (
            |claims| claims.video.can_update_own_metadata = Some(false),
            &[Act::UpdateSelf],
        ),
        (
            |claims| claims.video.can_publish_data = Some(false),
            &[Act::RaiseHand],
        ),
    ];
    let house = House::open().await;
    let mut tried = 0;
    for (change, denied) in grants {
        for (place, example) in requests("TR_x", "TR_x").into_iter().enumerate() {
            tried += 1;
            let act = act_of(&example).unwrap();
            if matches!(example, Request::TrackSetting(_) | Request::SyncState(_)) {
                // These ask for nothing that is not received already.
                continue;
            }
            let denies = denied.contains(&act);
            let mut scene = Scene::new(&house, &format!("g{tried}"), change).await;
            As::Role(Role::Owner).become_of(&scene.room, "ann").await;
            let request = requests(&scene.own, &scene.other).swap_remove(place);
            let what = format!("without {denied:?}: {request:?}");
            assert_eq!(allowed(&mut scene.ann, request).await, !denies, "{what}");
        }
    }
}

/// What a data packet is of the table; `None` for what nobody but agents and the server may send. A packet that the protocol
/// gains is missed here by the compiler.
#[expect(deprecated, reason = "older clients still send speakers")]
fn act_of_data(packet: &Data) -> Option<Act> {
    match packet {
        Data::ChatMessage(_) => Some(Act::Chat),
        Data::StreamHeader(header) if header.topic == "lk.chat" => Some(Act::Chat),
        Data::User(_)
        | Data::StreamHeader(_)
        | Data::StreamChunk(_)
        | Data::StreamTrailer(_)
        | Data::RpcRequest(_)
        | Data::RpcAck(_)
        | Data::RpcResponse(_)
        | Data::SipDtmf(_)
        | Data::Metrics(_)
        | Data::EncryptedPacket(_) => Some(Act::SendData),
        Data::Speaker(_) | Data::Transcription(_) => None,
    }
}

#[expect(deprecated, reason = "older clients still send it")]
fn packets() -> Vec<Data> {
    use pb::data_stream::{Chunk, Header, TextHeader, Trailer, header::ContentHeader};
    let header = |topic: &str| Header {
        stream_id: "s".to_owned(),
        topic: topic.to_owned(),
        content_header: Some(ContentHeader::TextHeader(TextHeader::default())),
        inline_content: Some(b"hello".to_vec()),
        ..Default::default()
    };
    vec![
        Data::User(pb::UserPacket {
            payload: b"hello".to_vec(),
            ..Default::default()
        }),
        Data::StreamHeader(header("another")),
        Data::StreamChunk(Chunk {
            stream_id: "t".to_owned(),
            ..Default::default()
        }),
        Data::StreamTrailer(Trailer {
            stream_id: "t".to_owned(),
            ..Default::default()
        }),
        Data::RpcRequest(pb::RpcRequest {
            id: "r".to_owned(),
            ..Default::default()
        }),
        Data::RpcAck(pb::RpcAck {
            request_id: "r".to_owned(),
        }),
        Data::RpcResponse(pb::RpcResponse {
            request_id: "r".to_owned(),
            value: None,
        }),
        Data::SipDtmf(pb::SipDtmf::default()),
        Data::EncryptedPacket(pb::EncryptedPacket::default()),
        Data::Transcription(pb::Transcription::default()),
        Data::Speaker(pb::ActiveSpeakerUpdate::default()),
        Data::ChatMessage(pb::ChatMessage {
            id: "c".to_owned(),
            message: "hello".to_owned(),
            ..Default::default()
        }),
        Data::StreamHeader(header("lk.chat")),
    ]
}

/// How long anything expected may take.
const PATIENCE: Duration = Duration::from_secs(20);

async fn until(
    peers: &mut [&mut LiveKitPeer],
    what: &str,
    mut holds: impl FnMut(&mut [&mut LiveKitPeer]) -> bool,
) {
    let begin = Instant::now();
    let mut clock = tokio::time::interval(Duration::from_millis(5));
    while !holds(peers) {
        assert!(begin.elapsed() < PATIENCE, "{what} did not come about");
        clock.tick().await;
        for peer in peers.iter_mut() {
            peer.turn(false).await;
        }
    }
}

/// R4 as well: whatever a packet says of its sender, it is who sent it.
#[tokio::test(flavor = "multi_thread")]
async fn every_data_packet_with_every_role_and_right_is_judged_as_the_table_says() {
    let house = House::open().await;
    let mut bo = LiveKitPeer::join(house.address, &token("bo", |_| {})).await;
    let people = [Act::SendData, Act::Chat].into_iter().flat_map(everybody);
    for (number, who) in people.enumerate() {
        let name = format!("ann{number}");
        let mut ann = LiveKitPeer::join(house.address, &token(&name, |_| {})).await;
        until(&mut [&mut ann, &mut bo], "open channels", |peers| {
            peers.iter().all(|peer| peer.wire.channel_open())
        })
        .await;
        let room = house
            .engine
            .find_room(&RoomName::parse("weekly").unwrap())
            .unwrap();
        who.become_of(&room, &name).await;
        for value in packets() {
            let may = act_of_data(&value).is_some_and(|act| may(act, who.rights()));
            let what = format!("{who:?}: {value:?}");
            let refused = house.door.stats().data_refused;
            bo.take_data();
            ann.send_data(&pb::DataPacket {
                participant_identity: "bo".to_owned(),
                value: Some(value),
                ..Default::default()
            });
            let mut came = Vec::new();
            until(&mut [&mut ann, &mut bo], &what, |peers| {
                came.extend(peers[1].take_data());
                !came.is_empty() || house.door.stats().data_refused > refused
            })
            .await;
            assert_eq!(!came.is_empty(), may, "{what}");
            assert!(
                came.iter().all(|packet| packet.participant_identity == name),
                "{what}: {came:?}"
            );
            // What a chat message brings comes in pieces.
            until(&mut [&mut bo], "the rest of it", |peers| {
                came.extend(peers[0].take_data());
                came.iter().any(|packet| matches!(packet.value, Some(Data::StreamTrailer(_))))
                    || !came.iter().any(|packet| {
                        matches!(&packet.value, Some(Data::StreamHeader(header)) if header.topic == "lk.chat")
                    })
            })
            .await;
        }
    }
}

/// Who asks something of the room service.
#[derive(Debug, Clone, Copy)]
enum Caller {
    /// Somebody in the room, with the token they came with.
    Here(As),
    /// With a token for the room of somebody who is not there.
    Absent,
    /// With a token that grants this and nothing else.
    Granted(Grant),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Grant {
    Nothing,
    Admin,
    AdminElsewhere,
    Create,
    List,
}

impl Caller {
    fn token(self, room: &RoomName) -> String {
        let identity = match self {
            Self::Here(_) => "ann",
            Self::Absent => "zoe",
            Self::Granted(_) => "",
        };
        token(identity, |claims| {
            claims.video.room = Some(room.clone());
            if let Self::Granted(grant) = self {
                claims.video.room_join = false;
                claims.video.room_admin = matches!(grant, Grant::Admin | Grant::AdminElsewhere);
                claims.video.room_create = grant == Grant::Create;
                claims.video.room_list = grant == Grant::List;
                if grant == Grant::AdminElsewhere {
                    claims.video.room = RoomName::parse("elsewhere").ok();
                }
            }
        })
    }
}

/// What a method of the room service is of the table, which grant opens it, and whether the token of somebody who is there
/// has it judged by the room.
fn method(name: &str) -> (Act, Grant, bool) {
    match name {
        // These two ask nothing of a room that is there.
        "CreateRoom" => (Act::ListParticipants, Grant::Create, false),
        "ListRooms" => (Act::ListParticipants, Grant::List, false),
        "DeleteRoom" => (Act::End, Grant::Create, true),
        "ListParticipants" | "GetParticipant" => (Act::ListParticipants, Grant::Admin, false),
        "RemoveParticipant" => (Act::Remove, Grant::Admin, true),
        "MutePublishedTrack" => (Act::MuteTrack, Grant::Admin, true),
        "UpdateParticipant" => (Act::UpdateParticipant, Grant::Admin, true),
        "UpdateSubscriptions" => (Act::UpdateSubscriptions, Grant::Admin, true),
        "UpdateRoomMetadata" => (Act::SetMetadata, Grant::Admin, true),
        "SendData" | "PerformRpc" => (Act::SendData, Grant::Admin, false),
        "ForwardParticipant" | "MoveParticipant" => (Act::SendData, Grant::Admin, false),
        other => panic!("{other} has no row"),
    }
}

fn body(name: &str, room: &RoomName, track: &str) -> Value {
    let room = room.as_str();
    match name {
        "CreateRoom" => json!({"name": room}),
        "ListRooms" => json!({}),
        "DeleteRoom" | "ListParticipants" => json!({"room": room}),
        "MutePublishedTrack" => json!({"room": room, "identity": "bo", "trackSid": track, "muted": true}),
        "UpdateRoomMetadata" => json!({"room": room, "metadata": "m"}),
        "UpdateParticipant" => json!({"room": room, "identity": "bo", "name": "Bo"}),
        "UpdateSubscriptions" => {
            json!({"room": room, "identity": "bo", "trackSids": [track], "subscribe": false})
        }
        "SendData" => json!({"room": room, "data": "aGk="}),
        "PerformRpc" => {
            json!({"room": room, "destinationIdentity": "bo", "method": "m", "responseTimeoutMs": 1})
        }
        _ => json!({"room": room, "identity": "bo", "destinationRoom": "elsewhere"}),
    }
}

#[tokio::test]
async fn every_method_of_the_room_service_with_every_grant_is_judged_as_the_table_says() {
    let house = House::open().await;
    let mut tried = 0;
    for name in API_METHODS {
        let (act, opened_by, judged) = method(name);
        let here = everybody(act).into_iter().map(Caller::Here);
        let grants = [
            Grant::Nothing,
            Grant::Admin,
            Grant::AdminElsewhere,
            Grant::Create,
            Grant::List,
        ];
        let others = grants.map(Caller::Granted).into_iter().chain([Caller::Absent]);
        for caller in here.chain(others) {
            tried += 1;
            let room_name = RoomName::parse(&format!("s{tried}")).unwrap();
            let room = house.engine.open_room(&room_name, None).await.unwrap();
            let ann = room
                .join(house::newcomer("ann"), house::one_connection())
                .await
                .unwrap();
            let bo = room
                .join(house::newcomer("bo"), house::one_connection())
                .await
                .unwrap();
            let track = announce(&room, &bo).await;
            if let Caller::Here(who) = caller {
                who.become_of(&room, "ann").await;
            }
            let expected = match caller {
                Caller::Here(who) => judged && may(act, who.rights()),
                Caller::Absent => false,
                Caller::Granted(grant) => grant == opened_by,
            };
            let request = HttpRequest::post(format!("/twirp/livekit.RoomService/{name}"))
                .header(
                    header::AUTHORIZATION,
                    format!("Bearer {}", caller.token(&room_name)),
                )
                .header(header::CONTENT_TYPE, "application/json")
                .body(Body::from(body(name, &room_name, &track).to_string()))
                .unwrap();
            let response = router(house.door.clone()).oneshot(request).await.unwrap();
            let status = response.status();
            let text = to_bytes(response.into_body(), 1 << 20).await.unwrap();
            let answer: Value = serde_json::from_slice(&text).unwrap();
            let what = format!("{name} by {caller:?}: {status} {answer}");
            if expected {
                assert!(
                    !matches!(status, StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED),
                    "{what}"
                );
                // A viewer has no track, and nobody answers the call.
                let failed = matches!(*name, "ForwardParticipant" | "MoveParticipant" | "PerformRpc")
                    || (act == Act::MuteTrack && matches!(caller, Caller::Here(As::With(_))));
                assert!(failed || status.is_success(), "{what}");
            } else {
                assert_eq!(
                    (status, &answer["code"]),
                    (StatusCode::FORBIDDEN, &json!("permission_denied")),
                    "{what}"
                );
            }
            drop((ann, bo));
        }
    }
}

/// Announces a microphone.
async fn announce(room: &RoomHandle, who: &tertulia_engine::Joined) -> String {
    let track = house::sound("mic");
    let asker = Actor::Participant(who.participant.id.clone());
    let Reply::Track(track) = room
        .command(asker, Command::Publish(Box::new(track)))
        .await
        .unwrap()
    else {
        panic!("a track is answered with itself");
    };
    track.id.to_string()
}
