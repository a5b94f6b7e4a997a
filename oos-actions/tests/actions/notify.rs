//! `ACS::Notify` and the default notifier.

use std::sync::Arc;

use futures::executor::block_on;
use oos_actions::{
    control::Approve,
    notify::{DefaultNotifier, NotifierOptions, Notify},
};
use oos_core::{
    ExecutionId, TaskName, Value, params,
    ports::{
        ActionError, ControlEvent, Decision,
        notify::{Message, Notifier},
    },
};

use crate::support::{NOW, Steps, World, at, done, json, lost_connection};

const ROBOT: &str = "https://oapi.dingtalk.com/robot/send?access_token=abc";

fn web_hook(uri: &str, content: Value) -> Value {
    params! { "NotifyType" => "WebHook", "WebHook" => params! { "URI" => uri, "Content" => content } }
}

fn text(content: &str) -> Value {
    params! { "msgtype" => "text", "text" => params! { "content" => content } }
}

fn message(properties: Value, asks: bool) -> Message {
    Message { execution: ExecutionId::new("exec-1"), task: TaskName::new("tell"), properties, asks, at: at(NOW) }
}

fn notifier(world: &World) -> DefaultNotifier {
    DefaultNotifier::new(world.http.clone(), world.post.clone(), world.clock.clone())
}

fn linking(world: &World) -> DefaultNotifier {
    notifier(world).with_links(Arc::new(|id| Some(format!("https://console/{id}"))))
}

fn send(notifier: &DefaultNotifier, properties: Value, asks: bool) -> Result<Value, ActionError> {
    block_on(notifier.send(&message(properties, asks)))
}

fn sent_body(world: &World) -> Value {
    json(&String::from_utf8_lossy(&world.http.only().body))
}

#[test]
fn hands_the_message_to_the_notifier_and_gives_its_answer() {
    let world = World::new();
    world.messages.push(Ok(params! { "StatusCode" => 200 }));
    let content = params! { "msgtype" => "text", "text" => params! { "content" => "hi" }, "link" => Value::Null };
    assert_eq!(done(world.run(&Notify, web_hook(ROBOT, content))), params! { "StatusCode" => 200 });
    let sent = world.messages.only();
    assert_eq!((sent.asks, sent.task.as_str(), sent.execution.as_str()), (false, "task", "exec-1"));
    assert_eq!(sent.properties, web_hook(ROBOT, text("hi")), "null members are left out");
}

#[test]
fn unknown_keys_are_left_out_with_a_warning() {
    let world = World::new();
    world.messages.push(Ok(Value::empty_map()));
    let hook = params! { "URI" => ROBOT, "Content" => text("hi"), "at" => params! { "isAtAll" => true } };
    done(world.run(&Notify, params! { "NotifyType" => "WebHook", "WebHook" => hook }));
    assert_eq!(world.log(), ["warning: `WebHook.at` is not known and left out"]);
}

#[test]
fn other_kinds_of_messages_are_refused() {
    let error = World::new().run(&Notify, params! { "NotifyType" => "SMS" }).unwrap_err();
    assert_eq!(error.to_string(), "InvalidProperty: property `NotifyType` must be WebHook or Mail");
    let error = World::new().run(&Notify, Value::empty_map()).unwrap_err();
    assert_eq!(error.to_string(), "InvalidProperty: property `NotifyType` is missing");
}

#[test]
fn the_question_of_an_approval_asks_and_wants_a_link() {
    let mut properties = web_hook(ROBOT, text("ok?")).as_map().unwrap().clone();
    properties.insert("Approvers", ["ann"]);
    let Decision::Notify(question) = Steps::of(Approve::default(), properties.into()).on(ControlEvent::Entered) else {
        panic!("an approval tells first");
    };
    let world = World::new();
    world.messages.push(Ok(Value::empty_map()));
    done(world.run(&Notify, question));
    let sent = world.messages.only();
    assert!(sent.asks);
    assert_eq!(sent.properties.get("AppendExecutionLink"), Some(&Value::Bool(true)));
    assert_eq!(sent.properties.as_map().unwrap().len(), 4, "nothing of ours reaches the receiver");
}

#[test]
fn posts_the_content_as_json() {
    let world = World::new();
    world.web(200, r#"{"errcode":0,"errmsg":"ok"}"#);
    let answer = send(&notifier(&world), web_hook(ROBOT, text("hi")), false).unwrap();
    assert_eq!(answer, json(r#"{"StatusCode":200,"Body":{"errcode":0,"errmsg":"ok"}}"#));
    let request = world.http.only();
    assert_eq!((request.method.as_str(), request.url.as_str(), request.redirects), ("POST", ROBOT, 0));
    assert_eq!(request.headers, [("Content-Type".to_owned(), "application/json; charset=utf-8".to_owned())]);
    assert_eq!(sent_body(&world), text("hi"));
}

#[test]
fn a_plain_answer_is_kept_as_text() {
    let world = World::new();
    world.web(202, "accepted");
    let answer = send(&notifier(&world), web_hook("https://hooks.example.com/x", "plain".into()), false).unwrap();
    assert_eq!(answer, json(r#"{"StatusCode":202,"Body":"accepted"}"#));
    assert_eq!(world.http.only().body, b"plain");
}

#[test]
fn a_chat_service_may_refuse_with_status_200() {
    let world = World::new();
    world.web(200, r#"{"errcode":310000,"errmsg":"keywords not in content"}"#);
    let error = send(&notifier(&world), web_hook(ROBOT, text("hi")), false).unwrap_err();
    assert_eq!(error.to_string(), "NotifyFailed: the chat service refused the message: 310000 keywords not in content");

    let other = || web_hook("https://hooks.example.com/x", text("hi"));
    world.web(200, r#"{"errcode":7}"#);
    assert!(send(&notifier(&world), other(), false).is_ok(), "another host may mean anything by it");

    world.web(200, r#"{"errcode":7}"#);
    let lenient = notifier(&world).with_options(NotifierOptions { judge_chat_codes: false });
    assert!(send(&lenient, web_hook(ROBOT, text("hi")), false).is_ok());
}

#[test]
fn lost_connections_and_server_errors_are_tried_three_times() {
    let world = World::new();
    world.http.push(Err(lost_connection(false)));
    world.web(500, "");
    world.web(200, "{}");
    assert!(send(&notifier(&world), web_hook(ROBOT, text("hi")), false).is_ok());
    assert_eq!(world.clock.slept(), [1, 2]);

    let world = World::new();
    (0..3).for_each(|_| world.web(503, ""));
    let error = send(&notifier(&world), web_hook(ROBOT, text("hi")), false).unwrap_err();
    assert_eq!(error.to_string(), "NotifyFailed: the webhook answered 503");

    let world = World::new();
    world.web(400, "");
    assert!(send(&notifier(&world), web_hook(ROBOT, text("hi")), false).is_err());
    assert_eq!(world.http.requests().len(), 1);

    let world = World::new();
    (0..3).for_each(|_| world.http.push(Err(lost_connection(true))));
    let error = send(&notifier(&world), web_hook(ROBOT, text("hi")), false).unwrap_err();
    assert_eq!(error.to_string(), "NotifyFailed: NotConnected: connection refused");
}

#[test]
fn the_link_goes_to_the_end_of_what_is_known() {
    let with_link = |content: Value, asks: bool| {
        let world = World::new();
        world.web(200, "{}");
        send(&linking(&world), web_hook(ROBOT, content), asks).unwrap();
        sent_body(&world)
    };
    assert_eq!(with_link(text("hi"), true), text("hi\nhttps://console/exec-1"));
    let markdown =
        |text: &str| params! { "msgtype" => "markdown", "markdown" => params! { "title" => "t", "text" => text } };
    assert_eq!(with_link(markdown("# hi\n"), true), markdown("# hi\nhttps://console/exec-1"));
    let link = params! { "msgtype" => "link", "link" => params! { "text" => "t" } };
    assert_eq!(with_link(link.clone(), true), link);
    let unknown = params! { "blocks" => [1] };
    assert_eq!(with_link(unknown.clone(), true), unknown);
    assert_eq!(with_link(text("hi"), false), text("hi"), "a notification wants none by default");
}

#[test]
fn a_message_may_choose_about_the_link() {
    for (wanted, asks, expected) in [("true", false, "hi\nhttps://console/exec-1"), ("false", true, "hi")] {
        let world = World::new();
        world.web(200, "{}");
        let mut properties = web_hook(ROBOT, text("hi")).as_map().unwrap().clone();
        properties.insert("AppendExecutionLink", wanted);
        send(&linking(&world), properties.into(), asks).unwrap();
        assert_eq!(sent_body(&world), text(expected));
    }
}

#[test]
fn an_incomplete_webhook_is_named() {
    let refusal = |hook: Value| {
        send(&notifier(&World::new()), params! { "NotifyType" => "WebHook", "WebHook" => hook }, false)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(refusal(Value::Null), "InvalidProperty: property `WebHook` is missing");
    assert_eq!(refusal(params! { "Content" => "x" }), "InvalidProperty: property `WebHook.URI` is missing");
    assert_eq!(refusal(params! { "URI" => ROBOT }), "InvalidProperty: property `WebHook.Content` is missing");
}

#[test]
fn mail_goes_to_the_mailer() {
    let world = World::new();
    world.post.push(Ok(()));
    let mail = params! {
        "Host" => "smtp.example.com", "Port" => "587", "UserName" => "ops@example.com", "Password" => "secret",
        "To" => "ann@example.com, bob@example.com", "Cc" => ["eve@example.com"], "Subject" => "done", "Content" => "all good",
    };
    let properties = params! { "NotifyType" => "Mail", "Mail" => mail, "AppendExecutionLink" => true };
    assert_eq!(send(&linking(&world), properties, false), Ok(Value::empty_map()));
    let sent = world.post.only();
    assert_eq!((sent.host.as_str(), sent.port, sent.from.as_str()), ("smtp.example.com", 587, "ops@example.com"));
    assert_eq!(
        (sent.to, sent.cc),
        (vec!["ann@example.com".to_owned(), "bob@example.com".to_owned()], vec!["eve@example.com".to_owned()])
    );
    assert_eq!(sent.login, Some(("ops@example.com".to_owned(), "secret".to_owned())));
    assert_eq!((sent.content.as_str(), sent.content_type.as_str()), ("all good\nhttps://console/exec-1", "text/plain"));
}

#[test]
fn mail_has_aliases_and_defaults() {
    let world = World::new();
    world.post.push(Ok(()));
    let mail = params! { "Host" => "smtp.example.com", "User" => "me@example.com", "Receivers" => ["ann@example.com"] };
    send(&notifier(&world), params! { "NotifyType" => "Mail", "Mail" => mail }, false).unwrap();
    let sent = world.post.only();
    assert_eq!(
        (sent.port, sent.from.as_str(), sent.to, sent.login),
        (465, "me@example.com", vec!["ann@example.com".to_owned()], None)
    );
}

#[test]
fn an_incomplete_mail_is_named_and_a_refused_one_fails() {
    let refusal = |mail: Value| {
        send(&notifier(&World::new()), params! { "NotifyType" => "Mail", "Mail" => mail }, false)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(refusal(params! { "Host" => "h", "From" => "a" }), "InvalidProperty: property `Mail.To` is missing");
    assert_eq!(refusal(params! { "To" => "a", "From" => "a" }), "InvalidProperty: property `Mail.Host` is missing");
    assert_eq!(refusal(params! { "Host" => "h", "To" => "a" }), "InvalidProperty: property `Mail.From` is missing");
    let world = World::new();
    world.post.push(Err(ActionError::failed("SmtpRefused", "no such user")));
    let mail = params! { "Host" => "h", "To" => "a", "From" => "b" };
    let error = send(&notifier(&world), params! { "NotifyType" => "Mail", "Mail" => mail }, false).unwrap_err();
    assert_eq!(error.to_string(), "NotifyFailed: SmtpRefused: no such user");
}
