"""A study in which people click: from photographs and masks to a folder of clicks.

A study is a folder:

    STUDY/study.toml        settings (`settings.collection`); `study.study_files`
    STUDY/texts/LANG.toml   what participants read (`study.languages`); optional
    STUDY/platforms.toml    where people come from and go to (`study.platforms`)
    STUDY/assets/ID.webp    pictures that browsers show (`tasks.display`)
    STUDY/private/          masks and regions; never served (`tasks.private_files`)
    STUDY/secret            32 random bytes for all ids and tokens (`study.tokens`)
    STUDY/study.db          who was given what, and every event (`store`)

The rooms, from below; each imports only those before it:

    words       names in files and tables
    messages/   what server and browser say to each other
    study/      the study's folder, its settings, texts and platforms, its secret
    store/      the database; the only room with SQL
    tasks/      the tasks, made of photographs and masks by `init` and `masks`
    service/    an open study: answers to the messages, and judgement of clicks
    results/    what comes out: the export, its tables, progress, the report, the plan
    web/        the web server, and the files of its pages
    simulation/ bots that take part through the web server
    checks actions masks demo simulate       the commands

How the server uses it: `service.answers.Service.open(folder)`, then one method for each
message of `messages`. The methods of `Service` are quick and thread-safe. Those that
write return a `concurrent.futures.Future`, which is done only when the answer is
durable: the server waits for it (`asyncio.wrap_future`) and then answers 200. An error
in the future is an `errors.RClicksError`: `service.desk.Refusal` has the HTTP status
and a `Problem`; `store.database.StoreError` means that nothing was written (503: the
browser keeps its event and tries again).

Nothing in the rooms that a web server imports needs JAX.
"""
