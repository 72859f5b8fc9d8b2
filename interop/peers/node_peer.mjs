// The peer of npm's @livekit/rtc-node: lines of JSON in, lines of JSON out.
import { createInterface } from 'node:readline';
import {
  AudioFrame,
  AudioSource,
  AudioStream,
  dispose,
  LocalAudioTrack,
  LocalVideoTrack,
  Room,
  RoomEvent,
  TrackKind,
  TrackPublishOptions,
  TrackSource,
  VideoBufferType,
  VideoFrame,
  VideoSource,
  VideoStream,
} from '@livekit/rtc-node';

const PATIENCE = 20_000;
const room = new Room();
const received = { data: [], text: [] };
const timers = [];

async function until(what, check) {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const found = check();
    if (found) return found;
    if (Date.now() > end) throw new Error(`nothing came of: ${what}`);
    await new Promise((wake) => setTimeout(wake, 50));
  }
}

const kinds = { audio: TrackKind.KIND_AUDIO, video: TrackKind.KIND_VIDEO };
const publication = (from, kind) =>
  [...(room.remoteParticipants.get(from)?.trackPublications.values() ?? [])].find(
    (p) => p.kind === kinds[kind],
  );

async function within(what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing came of: ${what}`)), PATIENCE);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

const methods = {
  async connect({ url, token, path }) {
    room.on(RoomEvent.DataReceived, (payload, participant, _kind, topic) => {
      received.data.push({
        text: new TextDecoder().decode(payload),
        from: participant?.identity ?? '',
        topic,
      });
    });
    room.registerTextStreamHandler('interop', async (reader, { identity }) => {
      received.text.push({ text: await reader.readAll(), from: identity });
    });
    // The option is handed through to the library below, which knows it; the types do not list it yet.
    await room.connect(url, token, {
      autoSubscribe: true,
      dynacast: false,
      singlePeerConnection: path !== 'v0',
    });
    room.localParticipant.registerRpcMethod('reverse', async ({ payload }) =>
      [...payload].reverse().join(''),
    );
    return { identity: room.localParticipant.identity };
  },

  async waitForOthers({ count }) {
    await until(`${count} others`, () => room.remoteParticipants.size === count);
  },

  async publishAudio() {
    const rate = 48_000;
    const source = new AudioSource(rate, 1);
    const track = LocalAudioTrack.createAudioTrack('tone', source);
    const options = new TrackPublishOptions();
    options.source = TrackSource.SOURCE_MICROPHONE;
    await room.localParticipant.publishTrack(track, options);
    let at = 0;
    const push = async () => {
      for (;;) {
        const samples = new Int16Array(rate / 100);
        for (let index = 0; index < samples.length; index += 1, at += 1) {
          samples[index] = Math.round(12_000 * Math.sin((2 * Math.PI * 440 * at) / rate));
        }
        await source.captureFrame(new AudioFrame(samples, rate, 1, samples.length));
      }
    };
    push().catch(() => undefined);
  },

  async publishVideo({ luma }) {
    const [width, height] = [640, 360];
    const source = new VideoSource(width, height);
    const track = LocalVideoTrack.createVideoTrack('picture', source);
    const options = new TrackPublishOptions();
    options.source = TrackSource.SOURCE_CAMERA;
    await room.localParticipant.publishTrack(track, options);
    let step = 0;
    timers.push(
      setInterval(() => {
        const data = new Uint8Array((width * height * 3) / 2).fill(128);
        data.fill(luma, 0, width * height);
        step = (step + 4) % (width - 20);
        for (let y = 340; y < 360; y += 1) data.fill(235, y * width + step, y * width + step + 20);
        source.captureFrame(new VideoFrame(data, width, height, VideoBufferType.I420));
      }, 66),
    );
  },

  async hear({ from }) {
    const track = await until(
      `an audio track from ${from}`,
      () => publication(from, 'audio')?.track,
    );
    const listen = async () => {
      let loud = 0;
      for await (const frame of new AudioStream(track)) {
        const sum = frame.data.reduce((total, sample) => total + sample * sample, 0);
        const rms = Math.sqrt(sum / frame.data.length);
        if (rms > 300) loud += 1;
        if (loud >= 20) return { rms };
      }
      throw new Error('the track ended');
    };
    return within(`sound from ${from}`, listen());
  },

  async see({ from }) {
    const track = await until(
      `a video track from ${from}`,
      () => publication(from, 'video')?.track,
    );
    const watch = async () => {
      let frames = 0;
      for await (const { frame } of new VideoStream(track)) {
        frames += 1;
        if (frames < 10) continue;
        const picture = frame.convert(VideoBufferType.I420);
        const luma = picture.data[(picture.height >> 1) * picture.width + (picture.width >> 1)];
        return { frames, luma };
      }
      throw new Error('the track ended');
    };
    return within(`pictures from ${from}`, watch());
  },

  async sendData({ text, reliable, topic }) {
    await room.localParticipant.publishData(new TextEncoder().encode(text), { reliable, topic });
  },

  async receiveData({ text }) {
    return until(`data "${text}"`, () => received.data.find((entry) => entry.text === text));
  },

  async setAttributes({ attributes }) {
    await room.localParticipant.setAttributes(attributes);
  },

  async waitForAttribute({ from, key, value }) {
    await until(
      `${key} of ${from}`,
      () => room.remoteParticipants.get(from)?.attributes[key] === value,
    );
  },

  async callRpc({ to, method, payload }) {
    return room.localParticipant.performRpc({
      destinationIdentity: to,
      method,
      payload,
      responseTimeout: 10_000,
    });
  },

  async sendText({ text }) {
    await room.localParticipant.sendText(text, { topic: 'interop' });
  },

  async receiveText({ text }) {
    return until(`text of ${text.length}`, () =>
      received.text.find((entry) => entry.text === text),
    );
  },

  async waitForMuted({ from, kind, muted }) {
    await until(
      `${kind} of ${from} muted: ${muted}`,
      () => publication(from, kind)?.muted === muted,
    );
  },

  async disconnect() {
    for (const timer of timers) clearInterval(timer);
    await room.disconnect();
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  const answer = (body) => process.stdout.write(`${JSON.stringify({ id, ...body })}\n`);
  Promise.resolve(methods[method]?.(params)).then(
    (result) => answer({ result: result ?? null }),
    (error) => answer({ error: `${method}: ${error?.message ?? error}` }),
  );
}
await methods.disconnect().catch(() => undefined);
await dispose();
process.exit(0);
