package compat

// made is a row of core_made.c, by the program and what it returns when it is
// relocated against kernel/made.c.
func made(rule, program string, want int) claim {
	return claim{rule: "CO-RE: " + rule, object: "core_made", types: "made", options: []string{"+" + program},
		steps: []string{"packet:" + program}, want: []any{want}}
}

// notMade is one that cannot be relocated, with what the error says.
func notMade(rule, program, fails string) claim {
	return claim{rule: "CO-RE: " + rule, object: "core_made", types: "made", options: []string{"+" + program}, fails: fails}
}

// coreRows are the kinds, and then the rules, of CO-RE.
var coreRows = []claim{
	made("field_byte_offset", "byte_offset", 68),
	made("field_byte_size", "byte_size", 2),
	made("field_exists", "field_exists", 1),
	made("field_signed", "field_signed", 5),
	made("field_lshift_u64", "lshift", 64-22), // of bits 13 to 21
	made("field_rshift_u64", "rshift", 64-9),
	made("type_id_local", "type_id_local", 1),
	made("type_id_target", "type_id_target", 1),
	made("type_exists", "type_exists", 1+4),
	made("type_size", "type_size", 136),
	made("enumval_exists", "enumval_exists", 1),
	made("enumval_value", "enumval_value", 7*10-2),
	made("type_matches", "type_matches", 1+16),
	{rule: "CO-RE: a type's id, used in a cast", object: "core_live", options: []string{"+cast"}, steps: []string{"ctx:cast:"}, want: []any{1},
		vars: map[string]any{"tgid": isOwn}, kernel: "6.2", config: []string{kernelBTF}},
	{rule: "CO-RE: bit fields of a packet", object: "core_live", options: []string{"+packet"}, steps: []string{"packet:packet"}, want: []any{221},
		kernel: "6.2", config: []string{kernelBTF}},

	made("an array's element", "array", 21),
	made("no element behind an array", "array_end", 1),
	made("an element of a flexible array", "flexible_array", 100+33),
	{rule: "CO-RE: 64 levels", object: "deep", options: []string{"+deep"}, types: "made", steps: []string{"packet:deep"}, want: []any{5}},
	{rule: "CO-RE: 65 levels", object: "deep", options: []string{"+too_deep"}, types: "made", fails: "malformed"},

	made("a flavour", "flavour", 41),
	made("an enum for an enum64", "enum64_is_enum", 1),
	made("an enum64 for an enum", "enum_is_enum64", 1),
	{rule: "CO-RE: candidates in what may be a module", object: "core_live", options: []string{"+module"}, steps: []string{"packet:module"}, want: []any{3},
		kernel: "6.2", config: []string{kernelBTF, "CONFIG_NF_CONNTRACK"}},
	made("through anonymous structs of the kernel", "anonymous", 151),
	made("through anonymous structs of the object", "anonymous_local", 52),
	made("fields of other kinds are not compatible", "incompatible", 0),
	made("a pointer is a pointer", "any_pointer", 1),
	notMade("a pointer is no integer", "other_kind", "struct made.pointer"),
	made("candidates that agree", "twins_agree", 61),
	made("one candidate of several has it", "one_twin", 62),
	notMade("candidates that disagree", "twins_disagree", "ambiguous"),

	made("guarded, and missing", "guarded", 71),
	made("missing: the id of a type", "missing_id", 7),
	notMade("missing: a field, read", "missing_field", "struct made.missing"),
	notMade("missing: a value of an enum, used", "missing_value", "enum color::COLOR_MISSING"),
	{rule: "CO-RE: missing in the running kernel", object: "core_poison", options: []string{"+poisoned"}, fails: "struct task_struct.skep_no_such_field",
		config: []string{kernelBTF}},

	made("a load of another size", "narrower", 1),
	made("a store of another size", "narrower_store", 1),
	{rule: "CO-RE: a store of a constant", object: "core_store", types: "made", steps: []string{"packet:store"}, want: []any{981}, kernel: "5.10"},
	made("bit fields in memory", "bits", 5034109),
	notMade("a signed load of another size", "signed_mismatch", "the field has 4 bytes here and 2 in the kernel, and is no unsigned integer"),

	{rule: "log: a map that was not created", object: "pinned", options: []string{"off=private_counts"}, fails: "private_counts"},
	{rule: "CO-RE: old and new names, of the running kernel", object: "core", options: []string{"+types", "+enums", "+guarded"},
		steps: []string{"ctx:types:", "ctx:enums:", "ctx:guarded:"}, want: []any{0, 0, 0},
		vars: map[string]any{"out_enum": 27, "out_match": 1, "out_index": 0}, config: []string{kernelBTF}},
}
