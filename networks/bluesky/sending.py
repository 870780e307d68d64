"""Publishing on Bluesky: blobs first, then one record under a key of ours; exact look-up; deletion."""

from datetime import datetime

from atproto import AtUri, Client, models

from config import clock
from networks import pictures
from networks.bluesky.session import Account, Refused
from networks.bluesky.words import PICTURE_BYTES, PICTURE_SIDE, tid
from networks.network import Connection, OutcomeUnknown, Outgoing, Picture, Receipt, Rejected, Unavailable

POSTS = "app.bsky.feed.post"


class Desk:
    """One account's way to publish."""

    def __init__(self, connection: Connection) -> None:
        self._account = Account(connection)

    def publish(self, outgoing: Outgoing) -> Receipt:
        """Writes the record. Everything before that last call changes nothing that anybody sees."""
        at = outgoing.begun_at or clock.now()
        record = models.AppBskyFeedPost.Record(
            text=outgoing.text,
            created_at=at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z",
            langs=[outgoing.language],
            facets=self._facets(outgoing.text),
            reply=self._reply(outgoing.reply_to) if outgoing.reply_to else None,
            embed=self._images(outgoing.pictures),
        )
        data = models.ComAtprotoRepoPutRecord.Data(
            repo=self._account.did, collection=POSTS, rkey=tid(outgoing.key), record=record
        )

        def put(client: Client) -> models.ComAtprotoRepoPutRecord.Response:
            outgoing.proceed()  # once more after a session was renewed, which takes its time, too
            return client.com.atproto.repo.put_record(data)

        done = self._account.writes(put)
        return self._receipt(done.uri, at)

    def find(self, outgoing: Outgoing) -> Receipt | None:
        """Exact: the record under the key, as its own server has it."""
        asked = models.ComAtprotoRepoGetRecord.Params(repo=self._account.did, collection=POSTS, rkey=tid(outgoing.key))
        try:
            found = self._account.reads(lambda client: client.com.atproto.repo.get_record(asked))
        except Refused as error:
            if error.name == "RecordNotFound":
                return None
            raise OutcomeUnknown(f"Bluesky cannot tell: {error.reason}") from error
        except Unavailable as error:
            raise OutcomeUnknown(str(error)) from error
        said = getattr(found.value, "created_at", None)
        return self._receipt(found.uri, datetime.fromisoformat(said) if said else clock.now())

    def remove(self, remote_id: str) -> None:
        """Deletes a record of ours; one that is gone already is fine."""
        uri = AtUri.from_str(remote_id)
        data = models.ComAtprotoRepoDeleteRecord.Data(repo=self._account.did, collection=uri.collection, rkey=uri.rkey)
        self._account.writes(lambda client: client.com.atproto.repo.delete_record(data))

    def _receipt(self, uri: str, at: datetime) -> Receipt:
        return Receipt(uri, f"https://bsky.app/profile/{self._account.did}/post/{AtUri.from_str(uri).rkey}", at)

    def _facets(self, text: str) -> list[models.AppBskyRichtextFacet.Main] | None:
        """Links, tags, and mentions of handles that there are, each with its place in bytes."""
        return self._account.reads(lambda client: client.detect_facets(text)) or None

    def _images(self, shown: tuple[Picture, ...]) -> models.AppBskyEmbedImages.Main | None:
        if not shown:
            return None
        return models.AppBskyEmbedImages.Main(images=[self._image(picture) for picture in shown])

    def _image(self, picture: Picture) -> models.AppBskyEmbedImages.Image:
        small = pictures.fitted(picture, PICTURE_BYTES, PICTURE_SIDE)
        headers = {"Content-Type": small.mime}
        kept = self._account.reads(lambda client: client.com.atproto.repo.upload_blob(small.data, headers=headers))
        return models.AppBskyEmbedImages.Image(
            alt=picture.alt,
            image=kept.blob,
            aspect_ratio=models.AppBskyEmbedDefs.AspectRatio(width=small.width, height=small.height),
        )

    def _reply(self, uri: str) -> models.AppBskyFeedPost.ReplyRef:
        """The post that is answered and the first of its thread, each with the hash of what it says now."""
        at = AtUri.from_str(uri)
        record: object
        if at.hostname == self._account.did:  # our own server knows it before any index does
            asked = models.ComAtprotoRepoGetRecord.Params(repo=at.hostname, collection=at.collection, rkey=at.rkey)
            try:
                own = self._account.reads(lambda client: client.com.atproto.repo.get_record(asked))
            except Refused as error:
                raise Rejected("What this answers is gone from Bluesky.") from error
            cid, record = own.cid, own.value
        else:
            listed = models.AppBskyFeedGetPosts.Params(uris=[uri])
            posts = self._account.reads(lambda client: client.app.bsky.feed.get_posts(listed)).posts
            if not posts:
                raise Rejected("What this answers is gone from Bluesky.")
            cid, record = posts[0].cid, posts[0].record
        if cid is None:
            raise Rejected("What this answers has no address on Bluesky.")
        parent = models.ComAtprotoRepoStrongRef.Main(uri=uri, cid=cid)
        reply = getattr(record, "reply", None)
        return models.AppBskyFeedPost.ReplyRef(parent=parent, root=reply.root if reply is not None else parent)
