"""RoomService through PyPI's livekit-api, and a webhook receiver that checks what arrives with the SDK's own verifier."""

import asyncio
import time

from aiohttp import web
from google.protobuf.json_format import MessageToDict
from livekit import api
from python_peer import serve

PATIENCE = 20.0


def plain(message) -> dict:
    return MessageToDict(message, preserving_proto_field_name=True)


class Admin:
    def __init__(self) -> None:
        self.events: list[dict] = []
        self.refused: list[str] = []
        self.client: api.LiveKitAPI | None = None
        self.runner: web.AppRunner | None = None

    async def open(self, url: str, key: str, secret: str):
        self.client = api.LiveKitAPI(url, key, secret)

    async def receiveWebhooks(self, port: int, key: str, secret: str):
        receiver = api.WebhookReceiver(api.TokenVerifier(key, secret))

        async def handle(request: web.Request) -> web.Response:
            body = (await request.read()).decode()
            try:
                event = receiver.receive(body, request.headers.get("Authorization", ""))
            except Exception as error:  # a bad signature is a finding of the test
                self.refused.append(f"{type(error).__name__}: {error}")
                return web.Response(status=401)
            self.events.append({**plain(event), "content_type": request.headers.get("Content-Type", "")})
            return web.Response()

        app = web.Application()
        app.router.add_post("/webhook", handle)
        self.runner = web.AppRunner(app)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", port).start()

    async def webhook(self, event: str, room: str, participant: str = ""):
        end = time.monotonic() + PATIENCE
        while True:
            for entry in self.events:
                same_room = entry.get("room", {}).get("name") == room
                who = entry.get("participant", {}).get("identity", "")
                if entry["event"] == event and same_room and (not participant or who == participant):
                    return entry
            if time.monotonic() > end:
                names = [entry["event"] for entry in self.events]
                raise TimeoutError(f"no {event} of {room}; came: {names}, refused: {self.refused}")
            await asyncio.sleep(0.05)

    async def createRoom(self, **request):
        return plain(await self.client.room.create_room(api.CreateRoomRequest(**request)))

    async def listRooms(self, **request):
        return plain(await self.client.room.list_rooms(api.ListRoomsRequest(**request))).get("rooms", [])

    async def deleteRoom(self, **request):
        await self.client.room.delete_room(api.DeleteRoomRequest(**request))

    async def updateRoomMetadata(self, **request):
        return plain(await self.client.room.update_room_metadata(api.UpdateRoomMetadataRequest(**request)))

    async def listParticipants(self, **request):
        answer = await self.client.room.list_participants(api.ListParticipantsRequest(**request))
        return plain(answer).get("participants", [])

    async def getParticipant(self, **request):
        return plain(await self.client.room.get_participant(api.RoomParticipantIdentity(**request)))

    async def removeParticipant(self, **request):
        await self.client.room.remove_participant(api.RoomParticipantIdentity(**request))

    async def mutePublishedTrack(self, **request):
        return plain(await self.client.room.mute_published_track(api.MuteRoomTrackRequest(**request)))

    async def updateParticipant(self, permission: dict | None = None, **request):
        message = api.UpdateParticipantRequest(**request)
        if permission is not None:
            message.permission.CopyFrom(api.ParticipantPermission(**permission))
        return plain(await self.client.room.update_participant(message))

    async def updateSubscriptions(self, **request):
        await self.client.room.update_subscriptions(api.UpdateSubscriptionsRequest(**request))

    async def sendData(self, text: str, **request):
        message = api.SendDataRequest(data=text.encode(), **request)
        await self.client.room.send_data(message)

    async def disconnect(self):
        if self.client:
            await self.client.aclose()
        if self.runner:
            await self.runner.cleanup()


if __name__ == "__main__":
    asyncio.run(serve(Admin))
