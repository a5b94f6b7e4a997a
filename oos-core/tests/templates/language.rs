//! What the language says about scalars, places, names and words, one rule a test.

use oos_core::{
    Limits, Template, Value,
    diagnostic::{Code, Diagnostics},
    params,
};

const NAP: &str =
    "FormatVersion: OOS-2019-06-01\nTasks: [{Name: nap, Action: 'ACS::Sleep', Properties: {Duration: PT1M}}]\n";

fn nap(properties: &str) -> Result<Template, Diagnostics> {
    Template::parse(&NAP.replace("{Duration: PT1M}", properties))
}

fn properties(text: &str) -> Value {
    nap(text).unwrap().tasks[0].properties.as_ref().unwrap().to_value()
}

#[test]
fn scalars_follow_yaml_1_2_core() {
    let read = properties("{a: Null, b: NULL, c: ~, d: , e: true, f: True, g: No, h: yes, i: on, j: Y}");
    let expected = params! {
        "a" => Value::Null, "b" => Value::Null, "c" => Value::Null, "d" => Value::Null, "e" => true, "f" => true,
        "g" => "No", "h" => "yes", "i" => "on", "j" => "Y"
    };
    assert_eq!(read, expected);
    let read =
        properties("{a: 08:00:00Z, b: 2099-12-01T00:00:00Z, c: 2024-01-02, d: 12:30:45, e: 1.5, f: '1', g: 1_000}");
    let expected = params! {
        "a" => "08:00:00Z", "b" => "2099-12-01T00:00:00Z", "c" => "2024-01-02", "d" => "12:30:45", "e" => 1.5,
        "f" => "1", "g" => "1_000"
    };
    assert_eq!(read, expected);
    assert_eq!(properties("{a: 9223372036854775808}"), params! { "a" => 9_223_372_036_854_775_808_f64 });
}

#[test]
fn a_byte_order_mark_shifts_places_and_nothing_else() {
    let template = Template::parse(&format!("\u{feff}{NAP}")).unwrap();
    let source = template.source.clone().unwrap();
    assert_eq!(source.slice(template.tasks[0].name.span.unwrap()), "nap");
    assert!(template == Template::parse(NAP).unwrap());
}

#[test]
fn places_are_byte_offsets_behind_wide_characters() {
    let template = Template::parse(&NAP.replace("Tasks", "Description: 重启😀\r\nTasks")).unwrap();
    let source = template.source.clone().unwrap();
    assert_eq!(source.slice(template.tasks[0].name.span.unwrap()), "nap");
    assert_eq!(source.slice(template.description.clone().unwrap().span.unwrap()), "重启😀");
}

#[test]
fn json_with_escaped_surrogates_is_read() {
    let text = r#"{"FormatVersion": "OOS-2019-06-01", "Description": "\ud83d\ude00 \/", "Tasks": [{"Name": "nap", "Action": "a"}]}"#;
    let template = Template::parse(text).unwrap();
    assert_eq!(template.description.unwrap().as_str(), Some("😀 /"));
}

#[test]
fn what_stands_behind_a_refusal_has_no_place_but_is_read() {
    let text = "{\"FormatVersion\": \"OOS-2019-06-01\", \"Description\": \"\\ud83d\\ude00\", \"Tasks\": [{\"Name\": \"a b\", \"Action\": \"a\"}]}";
    let found = Template::parse(text).unwrap_err();
    let finding = found.iter().next().unwrap();
    assert_eq!((finding.primary.span, finding.pointer.as_str()), (None, "/Tasks/0/Name"));
    assert!(found.render().contains("--> <template>: /Tasks/0/Name"), "{found}");
}

#[test]
fn all_findings_are_reported_in_the_order_of_their_places() {
    let text = "FormatVersion: x\nParameters: {a b: {Typ: String}}\nTasks: [{Name: a, Action: b, Properties: 1}]\nOutputs: []\n";
    let found = Template::parse(text).unwrap_err();
    let codes: Vec<_> = found.iter().map(|d| d.code).collect();
    let expected = [Code::FORMAT_VERSION, Code::PARAMETER_NAME, Code::UNKNOWN_KEY, Code::PROPERTIES, Code::NOT_A_MAP];
    assert_eq!(codes, expected);
}

#[test]
fn warnings_alone_let_the_template_load() {
    let template = nap("{}, Timeout: 5").unwrap();
    assert_eq!(template.warnings.counts(), (0, 1));
    assert_eq!(&*template.tasks[0].unknown[0].0.text, "Timeout");
}

#[test]
fn old_flow_words_stay_as_written() {
    let template = nap("{}, OnError: CONTINUE, OnSuccess: END, IsCritical: 'False'").unwrap();
    assert_eq!(template.tasks[0].on_error.as_ref().unwrap().value.as_str(), "CONTINUE");
    assert_eq!(template.tasks[0].on_success.as_ref().unwrap().value.as_str(), "END");
    assert!(!template.tasks[0].is_critical.as_ref().unwrap().value);
}

#[test]
fn a_task_may_have_the_name_of_a_parameter_and_an_aggregate_that_of_an_output() {
    let text = NAP.replace("Tasks", "Parameters: {nap: {Type: String}}\nTasks");
    assert!(Template::parse(&text).is_ok());
    let looped = "{}, Outputs: {a: {ValueSelector: .a}}, Loop: {Items: [1], Outputs: {a: {AggregateType: 'Fn::ListJoin', AggregateField: a}}}";
    assert!(nap(looped).is_ok());
}

#[test]
fn the_digest_is_the_sha_256_of_the_text() {
    let template = Template::parse(NAP).unwrap();
    assert_eq!(template.digest.len(), 64);
    assert_ne!(template.digest, Template::parse(&format!("{NAP} ")).unwrap().digest);
    let one = Template::from_node(&template.to_node(), None, &Limits::default()).unwrap();
    let two = Template::from_node(&one.to_node(), None, &Limits::default()).unwrap();
    assert_eq!(one.digest, two.digest);
}
