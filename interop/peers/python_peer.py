"""The peer of PyPI's livekit: lines of JSON in, lines of JSON out."""

import asyncio
import json
import math
import sys
import time

import numpy
from livekit import rtc

PATIENCE = 20.0
KINDS = {"audio": rtc.TrackKind.KIND_AUDIO, "video": rtc.TrackKind.KIND_VIDEO}


class Peer:
    def __init__(self) -> None:
        self.room = rtc.Room()
        self.data: list[dict] = []
        self.text: list[dict] = []
        self.tasks: list[asyncio.Task] = []

    async def until(self, what: str, check):
        end = time.monotonic() + PATIENCE
        while True:
            found = check()
            if found:
                return found
            if time.monotonic() > end:
                raise TimeoutError(f"nothing came of: {what}")
            await asyncio.sleep(0.05)

    def publication(self, sender: str, kind: str):
        participant = self.room.remote_participants.get(sender)
        publications = participant.track_publications.values() if participant else []
        return next((p for p in publications if p.kind == KINDS[kind]), None)

    async def track(self, sender: str, kind: str):
        def check():
            publication = self.publication(sender, kind)
            return publication and publication.track

        return await self.until(f"a {kind} track from {sender}", check)

    async def connect(self, url: str, token: str, path: str):
        @self.room.on("data_received")
        def _(packet: rtc.DataPacket) -> None:
            sender = packet.participant.identity if packet.participant else ""
            self.data.append({"text": packet.data.decode(), "from": sender, "topic": packet.topic})

        def on_text(reader: rtc.TextStreamReader, sender: str) -> None:
            async def read() -> None:
                self.text.append({"text": await reader.read_all(), "from": sender})

            self.tasks.append(asyncio.create_task(read()))

        self.room.register_text_stream_handler("interop", on_text)
        options = rtc.RoomOptions(auto_subscribe=True, single_peer_connection=path != "v0")
        await self.room.connect(url, token, options)

        @self.room.local_participant.register_rpc_method("reverse")
        async def _(invocation: rtc.RpcInvocationData) -> str:
            return invocation.payload[::-1]

        return {"identity": self.room.local_participant.identity}

    async def waitForOthers(self, count: int):
        await self.until(f"{count} others", lambda: len(self.room.remote_participants) == count)

    async def publishAudio(self):
        rate = 48_000
        source = rtc.AudioSource(rate, 1)
        track = rtc.LocalAudioTrack.create_audio_track("tone", source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        await self.room.local_participant.publish_track(track, options)

        async def push() -> None:
            step = rate // 100
            at = 0
            while True:
                phase = (numpy.arange(step) + at) * (2 * math.pi * 440 / rate)
                samples = (12_000 * numpy.sin(phase)).astype(numpy.int16)
                at += step
                await source.capture_frame(rtc.AudioFrame(samples.tobytes(), rate, 1, step))

        self.tasks.append(asyncio.create_task(push()))

    async def publishVideo(self, luma: int):
        width, height = 640, 360
        source = rtc.VideoSource(width, height)
        track = rtc.LocalVideoTrack.create_video_track("picture", source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_CAMERA, simulcast=True)
        await self.room.local_participant.publish_track(track, options)

        async def push() -> None:
            step = 0
            while True:
                picture = numpy.full(width * height * 3 // 2, 128, dtype=numpy.uint8)
                plane = picture[: width * height].reshape(height, width)
                plane[:] = luma
                step = (step + 4) % (width - 20)
                plane[340:360, step : step + 20] = 235
                frame = rtc.VideoFrame(width, height, rtc.VideoBufferType.I420, picture.tobytes())
                source.capture_frame(frame)
                await asyncio.sleep(1 / 15)

        self.tasks.append(asyncio.create_task(push()))

    async def hear(self, **params):
        sender = params["from"]
        track = await self.track(sender, "audio")

        async def listen():
            loud = 0
            stream = rtc.AudioStream(track)
            async for event in stream:
                samples = numpy.frombuffer(event.frame.data, dtype=numpy.int16).astype(numpy.float64)
                rms = float(numpy.sqrt(numpy.mean(samples**2)))
                loud += rms > 300
                if loud >= 20:
                    await stream.aclose()
                    return {"rms": rms}
            raise RuntimeError("the track ended")

        return await asyncio.wait_for(listen(), PATIENCE)

    async def see(self, **params):
        sender = params["from"]
        track = await self.track(sender, "video")

        async def watch():
            frames = 0
            stream = rtc.VideoStream(track, format=rtc.VideoBufferType.I420)
            async for event in stream:
                frames += 1
                if frames < 10:
                    continue
                frame = event.frame
                plane = numpy.frombuffer(frame.data, dtype=numpy.uint8)[: frame.width * frame.height]
                luma = int(plane.reshape(frame.height, frame.width)[frame.height // 2, frame.width // 2])
                await stream.aclose()
                return {"frames": frames, "luma": luma}
            raise RuntimeError("the track ended")

        return await asyncio.wait_for(watch(), PATIENCE)

    async def sendData(self, text: str, reliable: bool, topic: str):
        await self.room.local_participant.publish_data(text, reliable=reliable, topic=topic)

    async def receiveData(self, text: str):
        return await self.until(
            f'data "{text}"', lambda: next((e for e in self.data if e["text"] == text), None)
        )

    async def setAttributes(self, attributes: dict):
        await self.room.local_participant.set_attributes(attributes)

    async def waitForAttribute(self, key: str, value: str, **params):
        sender = params["from"]

        def check():
            participant = self.room.remote_participants.get(sender)
            return participant and participant.attributes.get(key) == value

        await self.until(f"{key} of {sender}", check)

    async def callRpc(self, to: str, method: str, payload: str):
        return await self.room.local_participant.perform_rpc(
            destination_identity=to, method=method, payload=payload, response_timeout=10.0
        )

    async def sendText(self, text: str):
        await self.room.local_participant.send_text(text, topic="interop")

    async def receiveText(self, text: str):
        return await self.until(
            f"text of {len(text)}", lambda: next((e for e in self.text if e["text"] == text), None)
        )

    async def mute(self, kind: str, muted: bool):
        publications = self.room.local_participant.track_publications.values()
        track = next(p.track for p in publications if p.kind == KINDS[kind])
        track.mute() if muted else track.unmute()

    async def waitForMuted(self, kind: str, muted: bool, **params):
        sender = params["from"]

        def check():
            publication = self.publication(sender, kind)
            return publication and publication.muted == muted

        await self.until(f"{kind} of {sender} muted: {muted}", check)

    async def disconnect(self):
        for task in self.tasks:
            task.cancel()
        await self.room.disconnect()


def answer(identifier: int, **body) -> None:
    print(json.dumps({"id": identifier, **body}), flush=True)


async def serve(make) -> None:
    """Answers each line of standard input; requests run side by side.

    The peer is made here, since a room belongs to the event loop it is born in.
    """
    peer = make()
    reader = asyncio.StreamReader(limit=4 * 1024 * 1024)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)

    async def handle(request: dict) -> None:
        try:
            result = await getattr(peer, request["method"])(**request.get("params", {}))
            answer(request["id"], result=result)
        except Exception as error:  # every failure is the answer to its request
            answer(request["id"], error=f"{request['method']}: {type(error).__name__}: {error}")

    tasks = set()
    while line := await reader.readline():
        task = asyncio.create_task(handle(json.loads(line)))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await peer.disconnect()


if __name__ == "__main__":
    asyncio.run(serve(Peer))
