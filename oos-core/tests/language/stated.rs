//! One rule of the page a test; what a golden file shows is not repeated here.

use super::{NAP, findings, template};

/// Codes of all findings, in order.
fn codes(sections: &str, tasks: &str) -> Vec<String> {
    findings(&template(sections, tasks)).iter().map(|finding| finding.code.kebab()).collect()
}

fn messages(sections: &str, tasks: &str) -> Vec<String> {
    findings(&template(sections, tasks)).iter().map(|f| f.message.clone()).collect()
}

/// Section 3.2: what is not evaluated may hold what looks like a reference or a function.
#[test]
fn texts_for_people_and_for_the_console_are_not_evaluated() {
    let sections = "Description: {en: 'about {{ nobody }}', zh-cn: 'Fn::Join'}\n\
        Metadata: {x: '{{ nobody }}', 'Fn::Join': 1}\n\
        Parameters: {p: {Label: {en: '{{ nobody }}'}, Description: '{{ .Name }}', AssociationProperty: '{{ x }}',\n\
        AssociationPropertyMetadata: {'Visible': {'Condition': {'Fn::Or': [{'Fn::Equals': ['${q}', 1]}, true, '{{ x }}']}}}}}";
    let task = "{Name: nap, Action: ACS::Sleep, Description: 'sleeps {{ long }}', Properties: {Duration: '{{ p }}'}}";
    assert_eq!(codes(sections, task), [""; 0]);
}

/// Section 3.2: jump targets are names, not expressions.
#[test]
fn jump_targets_are_literal() {
    let task = format!("{{{NAP}, OnError: '{{{{ p }}}}'}}");
    assert_eq!(codes("Parameters: {p: {Default: nap}}", &task), ["jump-target"]);
}

/// Section 3.1: braces without an end are text, and so are `$name` and `${name}` (3.8).
#[test]
fn braces_without_an_end_and_variables_of_shells_are_text() {
    let task = "{Name: nap, Action: ACS::Sleep, Properties: {Duration: {'Fn::If': [{'Fn::ContainsSubString': ['$a ${b} }} {', '{{']}, 1S, '${c} {{']}}}";
    assert_eq!(codes("", task), [""; 0]);
}

/// Section 3.1: a reference may cross lines.
#[test]
fn a_reference_may_cross_lines() {
    assert_eq!(
        codes("Parameters: {p: {}}", "{Name: nap, Action: ACS::Sleep, Properties: {Duration: \"{{\\n  p\\n}}\"}}"),
        [""; 0]
    );
}

/// Section 2.4.
#[test]
fn a_default_reads_no_outputs_of_tasks() {
    let task = "{Name: a, Action: ACS::ECS::StartInstance, Properties: {instanceId: '{{ p }}'}, Outputs: {o: {ValueSelector: commandOutput}}}";
    let found = messages("Parameters: {p: {Default: '{{ a.o }}'}}", task);
    assert_eq!(found, ["the default of `p` reads `a.o`, and no task has run before it"]);
}

/// Section 3.4: the item belongs to looped tasks only.
#[test]
fn the_item_is_read_in_looped_tasks_only() {
    let item = "{{ ACS::TaskLoopItem }}";
    for sections in [
        format!("Parameters: {{p: {{Default: '{item}'}}}}"),
        format!("Conditions: {{c: {{'Fn::Equals': ['{item}', 1]}}}}"),
        format!("RamRole: '{item}'"),
        format!("Outputs: {{o: {{Value: '{item}'}}}}"),
    ] {
        assert!(codes(&sections, &format!("{{{NAP}}}")).contains(&"loop-item-outside-loop".to_owned()), "{sections}");
    }
    let items = format!(
        "{{Name: a, Action: ACS::ECS::StartInstance, Properties: {{instanceId: x}}, Loop: {{Items: ['{item}']}}}}"
    );
    assert_eq!(codes("", &items), ["loop-item-outside-loop"], "items are evaluated before there is one");
}

/// Section 5.4: conditions name each other, and a task's `When` names one.
#[test]
fn conditions_that_nest_too_deep_are_found_once() {
    let chain = |n: usize| {
        let links: Vec<_> = (0..n).map(|i| format!("c{i}: {{'Fn::Not': c{}}}", i + 1)).collect();
        format!("Conditions: {{{}, c{n}: {{'Fn::Equals': [1, 1]}}}}", links.join(", "))
    };
    let task = format!("{{{NAP}, When: c0}}");
    assert_eq!(codes(&chain(100), &task), [""; 0]);
    assert_eq!(codes(&chain(1_000), &task), ["limit-depth"]);
}

/// Section 3.6: an undeclared name in `Outputs` is a direct reference, unless it is nearly that of an output.
#[test]
fn undeclared_outputs_are_read_raw_in_outputs_only() {
    let task = "{Name: a, Action: ACS::ECS::StartInstance, Properties: {instanceId: i}, Outputs: {text: {ValueSelector: commandOutput}}}";
    let value = |reference: &str| format!("Outputs: {{o: {{Value: '{{{{ {reference} }}}}'}}}}");
    let found = findings(&template(&value("a.RequestId"), task));
    assert_eq!(found.counts(), (0, 1));
    let finding = found.iter().next().unwrap();
    assert_eq!(finding.message, "task `a` declares no output `RequestId`");
    assert_eq!(finding.help.as_deref(), Some("member `RequestId` of its raw result is read"));
    assert_eq!(findings(&template(&value("a.txet"), task)).counts(), (1, 0));
    let reader =
        format!("{task}, {{Name: nap, Action: ACS::Sleep, Properties: {{Duration: '{{{{ a.RequestId }}}}'}}}}");
    assert_eq!(codes("", &reader), ["undefined-output"]);
    assert!(findings(&template("", &reader)).has_errors());
}

/// Section 3.6: names in a path may have hyphens, which subtract in jq.
#[test]
fn paths_have_names_with_hyphens_and_digits() {
    let task = "{Name: a, Action: ACS::ECS::StartInstance, Properties: {instanceId: i}}";
    assert_eq!(codes("Outputs: {o: {Value: '{{ a.x-y.2nd[0].z-1?.[1:2] }}'}}", task), [""; 0]);
}

/// Section 2.6: patterns have bounds, too.
#[test]
fn patterns_that_compile_to_too_much_are_found() {
    let pattern = |text: &str| format!("Parameters: {{p: {{AllowedPattern: '{text}'}}}}");
    let task = "{Name: nap, Action: ACS::Sleep, Properties: {Duration: '{{ p }}'}}";
    assert_eq!(codes(&pattern(r"(?:\w{999}){999}"), task), ["parameter-constraint"]);
    assert_eq!(codes(&pattern(&"a".repeat(17_000)), task), ["parameter-constraint"]);
    assert_eq!(codes(&pattern(r"^(?=.*[A-Z])(?!.*\s)[\w-]{1,128}$"), task), [""; 0]);
}

/// Section 8.1: keys and functions are compared with case, and the hint knows the right spelling.
#[test]
fn keys_and_functions_have_one_spelling() {
    let found = findings(&template("outputs: {}", &format!("{{{NAP}, onError: x, when: {{'fn::Equals': [1, 1]}}}}")));
    let help: Vec<_> = found.iter().map(|f| f.help.as_deref().unwrap_or_default()).collect();
    assert_eq!(help, ["a key named `Outputs` exists", "a key named `OnError` exists", "a key named `When` exists"]);
    let sleep = "{Name: nap, Action: ACS::Sleep, Properties: {Duration: {'Fn::equals': [1, 1]}}}";
    assert_eq!(
        findings(&template("", sleep)).iter().next().unwrap().help.as_deref(),
        Some("a function named `Fn::Equals` exists")
    );
}
