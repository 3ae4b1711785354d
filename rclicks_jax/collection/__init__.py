"""A study in which people click: from photographs and masks to a folder of clicks.

A study is a folder:

    STUDY/study.toml        settings (`settings.collection`), read by `study_files`
    STUDY/texts/LANG.toml   what participants read (`languages`); optional
    STUDY/platforms.toml    where people come from and go to (`platforms`); optional
    STUDY/assets/ID.webp    pictures that browsers show (`display`, `assets`)
    STUDY/private/          masks and regions; never served
    STUDY/secret            32 random bytes for all ids and tokens (`tokens`); mode 0600
    STUDY/study.db          who was given what, and every event (`store`)

The rooms, from below:

    words messages          names in files and tables; what server and browser say
                            (message_fields, session_, task_ and event_messages)
    tokens                  ids, signed tokens, codes: pure functions of the secret
    display regions assets  pictures of the five display modes; error regions; files
    study_files languages platforms    settings, texts of a study, and its protocol hash
    tasks apart building later_rounds descriptions
                            the tasks of a study, made by `init` and `masks`
    judging rejudging       reasons against a click and against a session; pure
    assignment              which task comes next; pure
    store/                  the database; the only package with SQL
    opening desk            an open study
    entering giving taking live    answers to messages, inside a transaction
    service                 what a web server calls: one method for each message
    judged export people trajectories pace datasheet    what comes out
    planning status checks actions        the other commands

How the server uses it: `service.Service.open(folder)`, then one method for each message
of `messages`. The methods of `Service` are quick and thread-safe. Those that write
return a `concurrent.futures.Future`, which is done only when the answer is durable: the
server waits for it (`asyncio.wrap_future`) and then answers 200. An error in the future
is an `errors.RClicksError`: `service.Refusal` has the HTTP status and a `Problem`;
`store.StoreError` means that nothing was written (503: the browser keeps its event and
tries again).

Nothing in the rooms that a web server imports needs JAX.
"""
