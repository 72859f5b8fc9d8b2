// The browser's peer: livekit-client as it comes, driven through `window.peer`.
const { Room, RoomEvent, Track, LocalVideoTrack, LocalAudioTrack } = LivekitClient;

const PATIENCE = 20_000;
const room = new Map();
const received = { data: [], text: [] };

/** Waits until `check` returns something true, asking whenever anything happens in the room. */
async function until(what, check) {
  const end = performance.now() + PATIENCE;
  for (;;) {
    const found = await check();
    if (found) return found;
    if (performance.now() > end) throw new Error(`nothing came of: ${what}`);
    await new Promise((wake) => setTimeout(wake, 50));
  }
}

const current = () => room.get('room');
const publication = (from, kind) =>
  [...(current().remoteParticipants.get(from)?.trackPublications.values() ?? [])].find(
    (p) => p.kind === kind,
  );
const inbound = async (track) =>
  [...(await track.receiver.getStats()).values()].find((entry) => entry.type === 'inbound-rtp');

window.peer = {
  async connect({ url, token, path }) {
    const next = new Room({
      singlePeerConnection: path !== 'v0',
      adaptiveStream: false,
      dynacast: false,
    });
    room.set('room', next);
    next.on(RoomEvent.DataReceived, (payload, participant, _kind, topic) => {
      received.data.push({
        text: new TextDecoder().decode(payload),
        from: participant?.identity ?? '',
        topic,
      });
    });
    next.on(RoomEvent.TrackSubscribed, (track) => document.body.append(track.attach()));
    next.registerTextStreamHandler('interop', async (reader, { identity }) => {
      received.text.push({ text: await reader.readAll(), from: identity });
    });
    next.registerRpcMethod('reverse', async ({ payload }) => [...payload].reverse().join(''));
    await next.connect(url, token);
    return { identity: next.localParticipant.identity };
  },

  async waitForOthers({ count }) {
    await until(`${count} others`, () => current().remoteParticipants.size === count);
  },

  async identities() {
    return [...current().remoteParticipants.keys()];
  },

  async publishAudio() {
    const context = new AudioContext();
    const tone = context.createOscillator();
    const target = context.createMediaStreamDestination();
    tone.connect(target);
    tone.start();
    const track = new LocalAudioTrack(target.stream.getAudioTracks()[0]);
    await current().localParticipant.publishTrack(track, { source: Track.Source.Microphone });
  },

  async publishVideo({ luma }) {
    const canvas = document.createElement('canvas');
    canvas.width = 640;
    canvas.height = 360;
    const context = canvas.getContext('2d');
    const grey = Math.round((luma - 16) / 0.859);
    let step = 0;
    setInterval(() => {
      context.fillStyle = `rgb(${grey},${grey},${grey})`;
      context.fillRect(0, 0, 640, 360);
      context.fillStyle = '#fff';
      step = (step + 4) % 640;
      context.fillRect(step, 340, 20, 20);
    }, 66);
    const track = new LocalVideoTrack(canvas.captureStream(15).getVideoTracks()[0]);
    await current().localParticipant.publishTrack(track, {
      source: Track.Source.Camera,
      simulcast: true,
    });
  },

  async hear({ from }) {
    const found = await until(`sound from ${from}`, async () => {
      const track = publication(from, 'audio')?.track;
      const stats = track && (await inbound(track));
      return stats?.totalAudioEnergy > 0.01 && stats.packetsReceived > 50 && stats;
    });
    return { energy: found.totalAudioEnergy, packets: found.packetsReceived };
  },

  async see({ from }) {
    const track = await until(
      `a video track from ${from}`,
      () => publication(from, 'video')?.track,
    );
    const stats = await until(`pictures from ${from}`, async () => {
      const stats = await inbound(track);
      return stats?.framesDecoded > 10 && stats;
    });
    const video = track.attachedElements[0];
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    const context = canvas.getContext('2d');
    context.drawImage(video, 0, 0);
    const pixel = context.getImageData(canvas.width >> 1, canvas.height >> 1, 1, 1).data;
    return { frames: stats.framesDecoded, luma: 16 + pixel[1] * 0.859 };
  },

  async sendData({ text, reliable, topic }) {
    await current().localParticipant.publishData(new TextEncoder().encode(text), {
      reliable,
      topic,
    });
  },

  async receiveData({ text }) {
    return until(`data "${text}"`, () => received.data.find((entry) => entry.text === text));
  },

  async setAttributes({ attributes }) {
    await current().localParticipant.setAttributes(attributes);
  },

  async waitForAttribute({ from, key, value }) {
    await until(
      `${key} of ${from}`,
      () => current().remoteParticipants.get(from)?.attributes[key] === value,
    );
  },

  async callRpc({ to, method, payload }) {
    return current().localParticipant.performRpc({
      destinationIdentity: to,
      method,
      payload,
      responseTimeout: 10_000,
    });
  },

  async sendText({ text }) {
    await current().localParticipant.sendText(text, { topic: 'interop' });
  },

  async receiveText({ text }) {
    return until(`text of ${text.length}`, () =>
      received.text.find((entry) => entry.text === text),
    );
  },

  async mute({ kind, muted }) {
    const publications = [...current().localParticipant.trackPublications.values()];
    const found = publications.find((p) => p.kind === kind);
    await (muted ? found.mute() : found.unmute());
  },

  async waitForMuted({ from, kind, muted }) {
    await until(
      `${kind} of ${from} muted: ${muted}`,
      () => publication(from, kind)?.isMuted === muted,
    );
  },

  async disconnect() {
    await current().disconnect();
  },
};
