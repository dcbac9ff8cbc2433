'''The Google surface: REST and gRPC on one local port, derived from Google's published interfaces.

Map of the folder:

- `surface.binpb`   descriptor set of the served interfaces, written by `make surface`
- `descriptors`     message classes of a private pool, the table of methods
- `transcode`       REST routes from google.api.http
- `status`          errors.* as google.rpc.Status, for both
- `fields`          field masks, page sizes, times, operations
- `caller`          who is asking
- `jsonpb`          JSON into messages, with errors that name the field
- `drafted`         answers that stay JSON; `drafted_forms`: as their message is written in JSON, and made
- `calls`           one implementation per RPC, from the servicers
- `rpc`, `rest`     the gRPC server and the ASGI application over it
- `serve`           `Surface`: both of them and the front door, on one port
- `door`, `splice`, `outside`   the front door: first bytes decide who gets a connection
- `reach`           certificate authority, credentials and environment that bring Google's clients here
- `tokens`, `credentials`, `google_own`   the key, the files and the answers that `reach` consists of
- `signing`, `authority`   RSA, and the making of keys and certificates, which is a process of its own
- `coverage`        which RPC is served, as a document
- `services/`       one servicer module per Google service; `own/` routes that Google has no name for

How to write a servicer, `services/NAME.py`. It holds no product rule: request → service verb → response.

    from trainshed.api.descriptors import message
    from trainshed.topics import Service

    class Publisher:
        """google.pubsub.v1.Publisher over the topics feature."""

        SERVICE = "google.pubsub.v1.Publisher"

        def __init__(self, topics: Service) -> None:
            self._topics = topics

        def CreateTopic(self, request: Any) -> Any:            # runs in a thread; may block
            topic = self._topics.create_topic(request.name, labels=dict(request.labels))
            return message("google.pubsub.v1.Topic", name=topic.name, labels=topic.labels)

- A method is named as the RPC. An RPC without a method answers UNIMPLEMENTED, by REST and gRPC alike.
- `def` runs in a thread (`duty.off_loop`); `async def` with `return` runs on the event loop and must not block
  (long polls); an async generator streams: `async def StreamingPull(self, requests)` gets an async iterator of
  requests, a server-streaming one gets the single request.
- `message(full_name, **fields)` makes a message: sub-messages as messages or dicts, aware datetimes for Timestamp,
  timedeltas for Duration, dicts for Struct, enum names or numbers for enums; a field whose value is None is left out.
- RPCs that return google.protobuf.Empty return None.
- Errors are raised as `errors.*`; anything else is a defect and becomes INTERNAL with an identifier.
- `api.caller.current().principal` is who asks: "user", or the e-mail of a service account made by `reach`.
- Long-running operations: return `fields.operation(name, done=True, response=message(…))` and let
  `google.longrunning.Operations` find it by its name (see `services/operations.py`).

How to write routes of our own, `own/NAME.py` (JSON in and out, all under `/trainshed/v1/`):

    from starlette.requests import Request
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    def routes(service: Service) -> list[Route]:
        """Receipts: why each event did or did not start something."""

        async def listing(request: Request) -> JSONResponse:
            found = await off_loop(service.list, trigger=request.query_params.get("trigger", ""))
            return JSONResponse({"receipts": [as_json(receipt) for receipt in found]})

        return [Route("/trainshed/v1/receipts", listing)]

Raise `errors.*` there too; they are rendered as `{"error": {code, message, status, details}}`. Read JSON bodies with
`await own.body(request)`, which refuses what is not an object, naming it. Hand-written Google routes (the storage
JSON API) are the same kind of module. `app.py` hands everything over:

    near = Reach(settings)                   # near.environment is the features' port
    surface = Surface(settings, servicers=[Publisher(topics), …], routes=[*receipts.routes(ledger), …], near=near)
    address = await surface.start()          # "http://127.0.0.1:8484"
    …
    await surface.stop()

`near.environment(principal)` are the variables that bring Google's clients in a child process here, once `start` has
returned. Functions are asked by host name for HTTP (`REGION-PROJECT.cloudfunctions.net/NAME`): such routes are
`starlette.routing.Host` entries in the same list.
'''
