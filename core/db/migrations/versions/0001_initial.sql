CREATE TABLE adjustment (
	site_id TEXT NOT NULL, 
	adjustment_id UUID NOT NULL, 
	owner_id TEXT NOT NULL, 
	sku TEXT NOT NULL, 
	location TEXT NOT NULL, 
	delta BIGINT NOT NULL, 
	reason TEXT NOT NULL, 
	status TEXT DEFAULT 'available' NOT NULL, 
	epcs TEXT[] DEFAULT '{}' NOT NULL, 
	state TEXT DEFAULT 'proposed' NOT NULL, 
	proposed_at BIGINT NOT NULL, 
	proposed_by TEXT NOT NULL, 
	decided_at BIGINT, 
	decided_by TEXT, 
	note TEXT, 
	CONSTRAINT pk_adjustment PRIMARY KEY (site_id, adjustment_id), 
	CONSTRAINT ck_adjustment_state CHECK (state IN ('proposed','posted','refused'))
);

CREATE INDEX ix_adjustment_proposed ON adjustment (site_id, proposed_at);

CREATE TABLE agent (
	site_id TEXT NOT NULL, 
	agent TEXT NOT NULL, 
	cell TEXT DEFAULT 'site' NOT NULL, 
	state TEXT DEFAULT 'active' NOT NULL, 
	registered_at BIGINT NOT NULL, 
	CONSTRAINT pk_agent PRIMARY KEY (site_id, agent), 
	CONSTRAINT ck_agent_state CHECK (state IN ('active','revoked'))
);

CREATE TABLE agent_config (
	site_id TEXT NOT NULL, 
	agent TEXT NOT NULL, 
	version BIGINT NOT NULL, 
	document TEXT NOT NULL, 
	author TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	state TEXT DEFAULT 'offered' NOT NULL, 
	error TEXT, 
	reported_at BIGINT, 
	CONSTRAINT pk_agent_config PRIMARY KEY (site_id, agent, version), 
	CONSTRAINT ck_agent_config_version CHECK (version >= 1), 
	CONSTRAINT ck_agent_config_state CHECK (state IN ('offered','trial','applied','refused','fallback'))
);

CREATE TABLE agent_status (
	site_id TEXT NOT NULL, 
	agent TEXT NOT NULL, 
	state TEXT NOT NULL, 
	boot BIGINT NOT NULL, 
	seq BIGINT NOT NULL, 
	sent_at BIGINT NOT NULL, 
	received_at BIGINT NOT NULL, 
	spooled BIGINT, 
	free_bytes BIGINT, 
	oldest_at BIGINT, 
	clock_offset_ms FLOAT, 
	version TEXT, 
	config_version BIGINT, 
	config_offered BIGINT, 
	config_state TEXT, 
	config_error TEXT, 
	CONSTRAINT pk_agent_status PRIMARY KEY (site_id, agent)
);

CREATE TABLE api_key (
	key_id UUID NOT NULL, 
	name TEXT NOT NULL, 
	prefix TEXT NOT NULL, 
	digest BYTEA NOT NULL, 
	role TEXT NOT NULL, 
	sites TEXT[] NOT NULL, 
	owners TEXT[] NOT NULL, 
	channels TEXT[] DEFAULT '{}' NOT NULL, 
	created_at BIGINT NOT NULL, 
	revoked_at BIGINT, 
	CONSTRAINT pk_api_key PRIMARY KEY (key_id), 
	CONSTRAINT ck_api_key_role CHECK (role IN ('picker', 'lead', 'manager', 'owner', 'integrator', 'device', 'auditor')), 
	CONSTRAINT uq_api_key_prefix UNIQUE (prefix)
);

CREATE TABLE asn (
	site_id TEXT NOT NULL, 
	asn_id UUID NOT NULL, 
	owner_id TEXT NOT NULL, 
	external_asn_id TEXT NOT NULL, 
	supplier TEXT, 
	state TEXT DEFAULT 'announced' NOT NULL, 
	expected_at BIGINT, 
	created_at BIGINT NOT NULL, 
	arrived_at BIGINT, 
	closed_at BIGINT, 
	CONSTRAINT pk_asn PRIMARY KEY (site_id, asn_id), 
	CONSTRAINT uq_asn_site_id_owner_id_external_asn_id UNIQUE (site_id, owner_id, external_asn_id), 
	CONSTRAINT ck_asn_state CHECK (state IN ('announced','arrived','receiving','closed','cancelled'))
);

CREATE TABLE asn_line (
	site_id TEXT NOT NULL, 
	asn_id UUID NOT NULL, 
	line_no INTEGER NOT NULL, 
	item_id BIGINT NOT NULL, 
	lot_id BIGINT, 
	expected BIGINT DEFAULT 0 NOT NULL, 
	received BIGINT DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_asn_line PRIMARY KEY (site_id, asn_id, line_no), 
	CONSTRAINT ck_asn_line_quantities CHECK (expected >= 0 AND received >= 0)
);

CREATE TABLE asn_unit (
	site_id TEXT NOT NULL, 
	asn_id UUID NOT NULL, 
	epc_key TEXT NOT NULL, 
	line_no INTEGER NOT NULL, 
	handling_unit_id UUID, 
	state TEXT DEFAULT 'expected' NOT NULL, 
	pass_id UUID, 
	CONSTRAINT pk_asn_unit PRIMARY KEY (site_id, asn_id, epc_key), 
	CONSTRAINT ck_asn_unit_state CHECK (state IN ('expected','received','short'))
);

CREATE INDEX ix_asn_unit_epc ON asn_unit (site_id, epc_key);

CREATE INDEX ix_asn_unit_handling_unit ON asn_unit (site_id, handling_unit_id);

CREATE INDEX ix_asn_unit_pass ON asn_unit (site_id, pass_id) WHERE pass_id IS NOT NULL;

CREATE TABLE availability (
	site_id TEXT NOT NULL, 
	owner_id TEXT NOT NULL, 
	item_id BIGINT NOT NULL, 
	sellable BIGINT DEFAULT 0 NOT NULL, 
	committed BIGINT DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_availability PRIMARY KEY (site_id, owner_id, item_id), 
	CONSTRAINT ck_availability_sellable CHECK (sellable >= 0), 
	CONSTRAINT ck_availability_committed CHECK (committed >= 0)
);

CREATE TABLE belt_jam (
	site_id TEXT NOT NULL, 
	belt TEXT NOT NULL, 
	since BIGINT NOT NULL, 
	CONSTRAINT pk_belt_jam PRIMARY KEY (site_id, belt)
);

CREATE TABLE cell (
	site_id TEXT NOT NULL, 
	cell TEXT NOT NULL, 
	epoch BIGINT DEFAULT 0 NOT NULL, 
	holder TEXT, 
	taken_at BIGINT, 
	CONSTRAINT pk_cell PRIMARY KEY (site_id, cell)
);

CREATE TABLE cell_beat (
	site_id TEXT NOT NULL, 
	cell TEXT NOT NULL, 
	epoch BIGINT NOT NULL, 
	beats BIGINT NOT NULL, 
	CONSTRAINT pk_cell_beat PRIMARY KEY (site_id, cell)
);

CREATE TABLE cursor (
	site_id TEXT NOT NULL, 
	agent TEXT NOT NULL, 
	boot BIGINT NOT NULL, 
	seq BIGINT NOT NULL, 
	digest BYTEA, 
	messages BIGINT DEFAULT 0 NOT NULL, 
	applied BIGINT DEFAULT 0 NOT NULL, 
	held BIGINT DEFAULT 0 NOT NULL, 
	dead BIGINT DEFAULT 0 NOT NULL, 
	dead_messages BIGINT DEFAULT 0 NOT NULL, 
	epoch BIGINT NOT NULL, 
	updated_at BIGINT NOT NULL, 
	CONSTRAINT pk_cursor PRIMARY KEY (site_id, agent, boot), 
	CONSTRAINT ck_cursor_seq CHECK (seq >= 0)
);

CREATE TABLE customer_order (
	order_id UUID NOT NULL, 
	owner_id TEXT NOT NULL, 
	channel TEXT NOT NULL, 
	external_order_id TEXT NOT NULL, 
	order_number BIGINT GENERATED BY DEFAULT AS IDENTITY, 
	body_digest BYTEA NOT NULL, 
	body JSONB DEFAULT '{}'::jsonb NOT NULL, 
	priority TEXT DEFAULT 'normal' NOT NULL, 
	fill_policy TEXT DEFAULT 'fill_all' NOT NULL, 
	received_at BIGINT NOT NULL, 
	CONSTRAINT pk_customer_order PRIMARY KEY (order_id), 
	CONSTRAINT uq_customer_order_owner_id_channel_external_order_id UNIQUE (owner_id, channel, external_order_id), 
	CONSTRAINT uq_customer_order_order_number UNIQUE (order_number)
);

CREATE TABLE dead_letter (
	site_id TEXT NOT NULL, 
	dead_letter_id BIGINT GENERATED BY DEFAULT AS IDENTITY, 
	agent TEXT, 
	boot BIGINT, 
	seq BIGINT, 
	index INTEGER, 
	topic TEXT NOT NULL, 
	code TEXT NOT NULL, 
	pointer TEXT, 
	bytes BYTEA NOT NULL, 
	digest BYTEA NOT NULL, 
	received_at BIGINT NOT NULL, 
	count BIGINT DEFAULT 1 NOT NULL, 
	state TEXT DEFAULT 'kept' NOT NULL, 
	settled_by TEXT, 
	reason TEXT, 
	settled_at BIGINT, 
	CONSTRAINT pk_dead_letter PRIMARY KEY (site_id, dead_letter_id), 
	CONSTRAINT ck_dead_letter_state CHECK (state IN ('kept','redriven','discarded'))
);

CREATE INDEX ix_dead_letter_state ON dead_letter (site_id, state, dead_letter_id);

CREATE UNIQUE INDEX uq_dead_letter_unplaced ON dead_letter (site_id, digest, code) WHERE seq IS NULL AND state = 'kept';

CREATE TABLE device (
	site_id TEXT NOT NULL, 
	agent TEXT NOT NULL, 
	device TEXT NOT NULL, 
	driver TEXT DEFAULT 'llrp' NOT NULL, 
	belts TEXT[] DEFAULT '{}' NOT NULL, 
	outputs JSONB DEFAULT '{}'::jsonb NOT NULL, 
	CONSTRAINT pk_device PRIMARY KEY (site_id, agent, device)
);

CREATE TABLE device_state (
	site_id TEXT NOT NULL, 
	agent TEXT NOT NULL, 
	device TEXT NOT NULL, 
	state TEXT NOT NULL, 
	since BIGINT NOT NULL, 
	last_read_at BIGINT, 
	health JSONB DEFAULT '{}'::jsonb NOT NULL, 
	CONSTRAINT pk_device_state PRIMARY KEY (site_id, agent, device), 
	CONSTRAINT ck_device_state_state CHECK (state IN ('live','stale','dead'))
);

CREATE TABLE door_visit (
	site_id TEXT NOT NULL, 
	visit_id UUID NOT NULL, 
	portal TEXT NOT NULL, 
	state TEXT DEFAULT 'open' NOT NULL, 
	truck TEXT, 
	opened_at BIGINT NOT NULL, 
	opened_by TEXT NOT NULL, 
	closed_at BIGINT, 
	closed_by TEXT, 
	summary JSONB DEFAULT '{}'::jsonb NOT NULL, 
	CONSTRAINT pk_door_visit PRIMARY KEY (site_id, visit_id), 
	CONSTRAINT ck_door_visit_state CHECK (state IN ('planned','open','closing','closed','cancelled'))
);

CREATE INDEX ix_door_visit_opened ON door_visit (site_id, opened_at);

CREATE UNIQUE INDEX uq_door_visit_open ON door_visit (site_id, portal) WHERE state IN ('open','closing');

CREATE TABLE door_visit_document (
	site_id TEXT NOT NULL, 
	visit_id UUID NOT NULL, 
	kind TEXT NOT NULL, 
	document_id UUID NOT NULL, 
	CONSTRAINT pk_door_visit_document PRIMARY KEY (site_id, visit_id, kind, document_id), 
	CONSTRAINT ck_door_visit_document_kind CHECK (kind IN ('asn','shipment'))
);

CREATE TABLE exception (
	site_id TEXT NOT NULL, 
	exception_id UUID NOT NULL, 
	kind TEXT NOT NULL, 
	severity TEXT DEFAULT 'warning' NOT NULL, 
	subject TEXT NOT NULL, 
	message TEXT NOT NULL, 
	portal TEXT, 
	pass_id UUID, 
	visit_id UUID, 
	fulfilment_id UUID, 
	owner_id TEXT, 
	facts JSONB DEFAULT '{}'::jsonb NOT NULL, 
	opened_at BIGINT NOT NULL, 
	acknowledged_at BIGINT, 
	acknowledged_by TEXT, 
	resolved_at BIGINT, 
	CONSTRAINT pk_exception PRIMARY KEY (site_id, exception_id), 
	CONSTRAINT ck_exception_severity CHECK (severity IN ('info','warning','critical'))
);

CREATE INDEX ix_exception_open ON exception (site_id, opened_at) WHERE resolved_at IS NULL;

CREATE INDEX ix_exception_pass ON exception (site_id, pass_id) WHERE pass_id IS NOT NULL;

CREATE UNIQUE INDEX uq_exception_live ON exception (site_id, kind, subject) WHERE resolved_at IS NULL;

CREATE TABLE fulfilment (
	site_id TEXT NOT NULL, 
	fulfilment_id UUID NOT NULL, 
	order_id UUID NOT NULL, 
	owner_id TEXT NOT NULL, 
	state TEXT DEFAULT 'received' NOT NULL, 
	on_hold BOOLEAN DEFAULT false NOT NULL, 
	exception BOOLEAN DEFAULT false NOT NULL, 
	cancel_requested BOOLEAN DEFAULT false NOT NULL, 
	priority TEXT DEFAULT 'normal' NOT NULL, 
	ship_by BIGINT, 
	wave_id UUID, 
	tote_id UUID, 
	received_at BIGINT NOT NULL, 
	promised_at BIGINT, 
	released_at BIGINT, 
	picked_at BIGINT, 
	packed_at BIGINT, 
	staged_at BIGINT, 
	shipped_at BIGINT, 
	changed_at BIGINT NOT NULL, 
	version INTEGER DEFAULT 1 NOT NULL, 
	sequence INTEGER DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_fulfilment PRIMARY KEY (site_id, fulfilment_id), 
	CONSTRAINT ck_fulfilment_state CHECK (state IN ('received', 'promised', 'partially_promised', 'backordered', 'released', 'picking', 'picked', 'packed', 'staged', 'shipped', 'partially_shipped', 'delivered', 'cancelled'))
);

CREATE INDEX ix_fulfilment_order ON fulfilment (order_id);

CREATE INDEX ix_fulfilment_received ON fulfilment (site_id, received_at);

CREATE INDEX ix_fulfilment_shipped ON fulfilment (site_id, shipped_at);

CREATE INDEX ix_fulfilment_state ON fulfilment (site_id, state, received_at);

CREATE TABLE fulfilment_line (
	site_id TEXT NOT NULL, 
	fulfilment_id UUID NOT NULL, 
	line_no INTEGER NOT NULL, 
	external_line_id TEXT NOT NULL, 
	item_id BIGINT NOT NULL, 
	sku TEXT NOT NULL, 
	ordered BIGINT DEFAULT 0 NOT NULL, 
	promised BIGINT DEFAULT 0 NOT NULL, 
	reserved BIGINT DEFAULT 0 NOT NULL, 
	picked BIGINT DEFAULT 0 NOT NULL, 
	packed BIGINT DEFAULT 0 NOT NULL, 
	shipped BIGINT DEFAULT 0 NOT NULL, 
	cancelled BIGINT DEFAULT 0 NOT NULL, 
	returned BIGINT DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_fulfilment_line PRIMARY KEY (site_id, fulfilment_id, line_no), 
	CONSTRAINT ck_fulfilment_line_ordered CHECK (ordered > 0), 
	CONSTRAINT ck_fulfilment_line_progress CHECK (promised >= 0 AND reserved >= 0 AND picked >= 0 AND packed >= 0), 
	CONSTRAINT ck_fulfilment_line_closed CHECK (shipped + cancelled <= ordered)
);

CREATE INDEX ix_fulfilment_line_item ON fulfilment_line (site_id, item_id);

CREATE TABLE handling_unit (
	site_id TEXT NOT NULL, 
	handling_unit_id UUID NOT NULL, 
	epc_key TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	owner_id TEXT, 
	state TEXT DEFAULT 'open' NOT NULL, 
	location_id BIGINT, 
	parent_id UUID, 
	shipment_id UUID, 
	fulfilment_id UUID, 
	created_at BIGINT NOT NULL, 
	changed_at BIGINT NOT NULL, 
	CONSTRAINT pk_handling_unit PRIMARY KEY (site_id, handling_unit_id), 
	CONSTRAINT uq_handling_unit_site_id_epc_key UNIQUE (site_id, epc_key), 
	CONSTRAINT ck_handling_unit_kind CHECK (kind IN ('pallet','carton','tote')), 
	CONSTRAINT ck_handling_unit_state CHECK (state IN ('announced','open','closed','staged','loaded','gone')), 
	CONSTRAINT ck_handling_unit_parent CHECK (parent_id IS NULL OR parent_id <> handling_unit_id)
);

CREATE INDEX ix_handling_unit_fulfilment ON handling_unit (site_id, fulfilment_id);

CREATE INDEX ix_handling_unit_location ON handling_unit (site_id, location_id);

CREATE INDEX ix_handling_unit_parent ON handling_unit (site_id, parent_id);

CREATE INDEX ix_handling_unit_shipment ON handling_unit (site_id, shipment_id);

CREATE TABLE hold (
	site_id TEXT NOT NULL, 
	epc TEXT NOT NULL, 
	code TEXT NOT NULL, 
	agent TEXT NOT NULL, 
	device TEXT NOT NULL, 
	antenna INTEGER, 
	first_seen_at BIGINT NOT NULL, 
	last_seen_at BIGINT NOT NULL, 
	count BIGINT DEFAULT 1 NOT NULL, 
	state TEXT DEFAULT 'held' NOT NULL, 
	decided_by TEXT, 
	reason TEXT, 
	decided_at BIGINT, 
	CONSTRAINT pk_hold PRIMARY KEY (site_id, epc), 
	CONSTRAINT ck_hold_state CHECK (state IN ('held','released','ignored'))
);

CREATE TABLE idempotency (
	key_id TEXT NOT NULL, 
	route TEXT NOT NULL, 
	idempotency_key TEXT NOT NULL, 
	fingerprint BYTEA NOT NULL, 
	response_status INTEGER, 
	response_body BYTEA, 
	created_at BIGINT NOT NULL, 
	CONSTRAINT pk_idempotency PRIMARY KEY (key_id, route, idempotency_key)
);

CREATE INDEX ix_idempotency_created ON idempotency (created_at);

CREATE TABLE inbound_secret (
	site_id TEXT NOT NULL, 
	channel TEXT NOT NULL, 
	owner_id TEXT NOT NULL, 
	secret TEXT NOT NULL, 
	previous_secret TEXT, 
	rotated_at BIGINT, 
	created_at BIGINT NOT NULL, 
	CONSTRAINT pk_inbound_secret PRIMARY KEY (site_id, channel)
);

CREATE TABLE inbound_seen (
	site_id TEXT NOT NULL, 
	channel TEXT NOT NULL, 
	webhook_id TEXT NOT NULL, 
	seen_at BIGINT NOT NULL, 
	CONSTRAINT pk_inbound_seen PRIMARY KEY (site_id, channel, webhook_id)
);

CREATE INDEX ix_inbound_seen_at ON inbound_seen (seen_at);

CREATE TABLE item (
	item_id BIGINT GENERATED BY DEFAULT AS IDENTITY, 
	owner_id TEXT NOT NULL, 
	sku TEXT NOT NULL, 
	name TEXT NOT NULL, 
	gtin TEXT, 
	uom TEXT DEFAULT 'EA' NOT NULL, 
	tracking TEXT DEFAULT 'none' NOT NULL, 
	active BOOLEAN DEFAULT true NOT NULL, 
	min_stock BIGINT, 
	max_stock BIGINT, 
	safety_stock BIGINT DEFAULT 0 NOT NULL, 
	weight_g INTEGER, 
	volume_ml INTEGER, 
	length_mm INTEGER, 
	width_mm INTEGER, 
	height_mm INTEGER, 
	shelf_life_days INTEGER, 
	storage_class TEXT, 
	hazard_class TEXT, 
	hs_code TEXT, 
	origin TEXT, 
	standard_cost BIGINT, 
	price BIGINT, 
	currency TEXT, 
	version INTEGER DEFAULT 1 NOT NULL, 
	reorder_alerted BOOLEAN DEFAULT false NOT NULL, 
	created_at BIGINT NOT NULL, 
	CONSTRAINT pk_item PRIMARY KEY (item_id), 
	CONSTRAINT uq_item_owner_id_sku UNIQUE (owner_id, sku), 
	CONSTRAINT uq_item_owner_id_gtin UNIQUE (owner_id, gtin), 
	CONSTRAINT ck_item_currency CHECK ((standard_cost IS NULL AND price IS NULL) OR currency IS NOT NULL), 
	CONSTRAINT ck_item_tracking CHECK (tracking IN ('none','lot','serial','both')), 
	CONSTRAINT ck_item_min_max CHECK (min_stock IS NULL OR max_stock IS NULL OR min_stock <= max_stock)
);

CREATE TABLE item_packaging (
	item_id BIGINT NOT NULL, 
	level TEXT NOT NULL, 
	gtin TEXT, 
	quantity BIGINT DEFAULT 1 NOT NULL, 
	CONSTRAINT pk_item_packaging PRIMARY KEY (item_id, level), 
	CONSTRAINT ck_item_packaging_level CHECK (level IN ('each','case','pallet')), 
	CONSTRAINT ck_item_packaging_quantity CHECK (quantity >= 1)
);

CREATE INDEX ix_item_packaging_gtin ON item_packaging (gtin);

CREATE TABLE kpi_sample (
	site_id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	sampled_at BIGINT NOT NULL, 
	value FLOAT NOT NULL, 
	CONSTRAINT pk_kpi_sample PRIMARY KEY (site_id, name, sampled_at)
);

CREATE TABLE location (
	site_id TEXT NOT NULL, 
	location_id BIGINT GENERATED BY DEFAULT AS IDENTITY, 
	code TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	zone TEXT, 
	aisle TEXT, 
	bay INTEGER, 
	level INTEGER, 
	x_m FLOAT, 
	y_m FLOAT, 
	width_m FLOAT, 
	depth_m FLOAT, 
	capacity_units BIGINT, 
	walk_order INTEGER DEFAULT 0 NOT NULL, 
	locked BOOLEAN DEFAULT false NOT NULL, 
	lock_reason TEXT, 
	locked_by TEXT, 
	locked_at BIGINT, 
	epc_key TEXT, 
	CONSTRAINT pk_location PRIMARY KEY (site_id, location_id), 
	CONSTRAINT uq_location_site_id_code UNIQUE (site_id, code), 
	CONSTRAINT ck_location_kind CHECK (kind IN ('storage', 'pick_face', 'staging', 'dock', 'conveyor', 'packing', 'discrepancy', 'transit', 'supplier', 'customer', 'loss', 'adjustment', 'found', 'missing'))
);

CREATE TABLE lot (
	lot_id BIGINT GENERATED BY DEFAULT AS IDENTITY, 
	item_id BIGINT NOT NULL, 
	code TEXT NOT NULL, 
	expires_at BIGINT, 
	recalled_at BIGINT, 
	recall_reason TEXT, 
	recalled_by TEXT, 
	released_at BIGINT, 
	release_reason TEXT, 
	released_by TEXT, 
	CONSTRAINT pk_lot PRIMARY KEY (lot_id), 
	CONSTRAINT uq_lot_item_id_code UNIQUE (item_id, code)
);

CREATE INDEX ix_lot_recalled ON lot (lot_id) WHERE recalled_at IS NOT NULL;

CREATE TABLE move (
	site_id TEXT NOT NULL, 
	move_id BIGINT GENERATED BY DEFAULT AS IDENTITY, 
	owner_id TEXT NOT NULL, 
	item_id BIGINT NOT NULL, 
	lot_id BIGINT, 
	quantity BIGINT DEFAULT 0 NOT NULL, 
	source_location_id BIGINT NOT NULL, 
	source_handling_unit_id UUID, 
	source_status TEXT DEFAULT 'available' NOT NULL, 
	target_location_id BIGINT NOT NULL, 
	target_handling_unit_id UUID, 
	target_status TEXT DEFAULT 'available' NOT NULL, 
	epc_key TEXT, 
	biz_step TEXT NOT NULL, 
	cause TEXT NOT NULL, 
	cause_id TEXT NOT NULL, 
	source TEXT NOT NULL, 
	source_key TEXT NOT NULL, 
	pass_id UUID, 
	reverses_move_id BIGINT, 
	actor TEXT, 
	occurred_at BIGINT NOT NULL, 
	recorded_at BIGINT NOT NULL, 
	CONSTRAINT pk_move PRIMARY KEY (site_id, move_id), 
	CONSTRAINT uq_move_site_id_source_source_key UNIQUE (site_id, source, source_key), 
	CONSTRAINT ck_move_quantity CHECK (quantity > 0), 
	CONSTRAINT ck_move_cause CHECK (cause IN ('pass','scan','task','order','count','adjustment','import'))
);

CREATE INDEX ix_move_cause ON move (site_id, cause, cause_id);

CREATE INDEX ix_move_epc ON move (site_id, epc_key, move_id) WHERE epc_key IS NOT NULL;

CREATE INDEX ix_move_item ON move (site_id, owner_id, item_id, move_id);

CREATE INDEX ix_move_lot ON move (site_id, lot_id, move_id) WHERE lot_id IS NOT NULL;

CREATE INDEX ix_move_pass ON move (site_id, pass_id) WHERE pass_id IS NOT NULL;

CREATE INDEX ix_move_recorded ON move (site_id, recorded_at);

CREATE INDEX ix_move_source_unit ON move (site_id, source_handling_unit_id) WHERE source_handling_unit_id IS NOT NULL;

CREATE INDEX ix_move_target_unit ON move (site_id, target_handling_unit_id) WHERE target_handling_unit_id IS NOT NULL;

CREATE TABLE outbox (
	id BIGINT GENERATED BY DEFAULT AS IDENTITY, 
	xid xid8 DEFAULT pg_current_xact_id() NOT NULL, 
	site_id TEXT NOT NULL, 
	owner_id TEXT, 
	event TEXT NOT NULL, 
	aggregate TEXT NOT NULL, 
	sequence INTEGER DEFAULT 0 NOT NULL, 
	payload JSONB DEFAULT '{}'::jsonb NOT NULL, 
	occurred_at BIGINT NOT NULL, 
	CONSTRAINT pk_outbox PRIMARY KEY (id)
);

CREATE INDEX ix_outbox_xid ON outbox (xid, id);

CREATE TABLE outbox_place (
	site_id TEXT NOT NULL, 
	sink TEXT NOT NULL, 
	place xid8 NOT NULL, 
	until xid8, 
	after BIGINT DEFAULT 0 NOT NULL, 
	updated_at BIGINT NOT NULL, 
	CONSTRAINT pk_outbox_place PRIMARY KEY (site_id, sink)
);

CREATE TABLE owner (
	owner_id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	gs1_prefix TEXT, 
	next_sscc_serial BIGINT DEFAULT 1 NOT NULL, 
	created_at BIGINT NOT NULL, 
	CONSTRAINT pk_owner PRIMARY KEY (owner_id)
);

CREATE TABLE pass (
	site_id TEXT NOT NULL, 
	pass_id UUID NOT NULL, 
	portal TEXT NOT NULL, 
	visit_id UUID, 
	state TEXT DEFAULT 'open' NOT NULL, 
	booking TEXT DEFAULT 'unbooked' NOT NULL, 
	mode TEXT, 
	verdict TEXT, 
	confidence FLOAT, 
	opened_at BIGINT NOT NULL, 
	closed_at BIGINT, 
	first_agent TEXT NOT NULL, 
	first_boot BIGINT NOT NULL, 
	first_seq BIGINT NOT NULL, 
	decider TEXT, 
	decider_at BIGINT, 
	decided_at BIGINT, 
	settled_by TEXT, 
	settled_at BIGINT, 
	features JSONB DEFAULT '{}'::jsonb NOT NULL, 
	planned_moves JSONB, 
	thresholds TEXT, 
	epoch BIGINT NOT NULL, 
	CONSTRAINT pk_pass PRIMARY KEY (site_id, pass_id), 
	CONSTRAINT ck_pass_state CHECK (state IN ('open','in','out','not_crossed','undecided')), 
	CONSTRAINT ck_pass_booking CHECK (booking IN ('unbooked','proposed','booked','dismissed','reversed'))
);

CREATE INDEX ix_pass_open ON pass (site_id) WHERE state = 'open';

CREATE INDEX ix_pass_opened ON pass (site_id, opened_at);

CREATE INDEX ix_pass_visit ON pass (site_id, visit_id);

CREATE TABLE pass_tag (
	site_id TEXT NOT NULL, 
	pass_id UUID NOT NULL, 
	epc TEXT NOT NULL, 
	epc_key TEXT, 
	outcome TEXT NOT NULL, 
	reason TEXT, 
	features JSONB DEFAULT '{}'::jsonb NOT NULL, 
	evidence JSONB DEFAULT '{}'::jsonb NOT NULL, 
	CONSTRAINT pk_pass_tag PRIMARY KEY (site_id, pass_id, epc), 
	CONSTRAINT ck_pass_tag_outcome CHECK (outcome IN ('matched','missing','unexpected','wrong_door','unknown','not_seen','rejected'))
);

CREATE INDEX ix_pass_tag_epc_key ON pass_tag (site_id, epc_key);

CREATE TABLE pick_face (
	site_id TEXT NOT NULL, 
	location_id BIGINT NOT NULL, 
	item_id BIGINT NOT NULL, 
	min_quantity BIGINT DEFAULT 0 NOT NULL, 
	max_quantity BIGINT DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_pick_face PRIMARY KEY (site_id, location_id, item_id), 
	CONSTRAINT ck_pick_face_min_max CHECK (0 <= min_quantity AND min_quantity <= max_quantity)
);

CREATE TABLE pick_task (
	site_id TEXT NOT NULL, 
	task_id UUID NOT NULL, 
	wave_id UUID, 
	fulfilment_id UUID NOT NULL, 
	line_no INTEGER NOT NULL, 
	reservation_id UUID NOT NULL, 
	owner_id TEXT NOT NULL, 
	item_id BIGINT NOT NULL, 
	lot_id BIGINT, 
	location_id BIGINT NOT NULL, 
	handling_unit_id UUID, 
	quantity BIGINT DEFAULT 0 NOT NULL, 
	picked BIGINT DEFAULT 0 NOT NULL, 
	state TEXT DEFAULT 'open' NOT NULL, 
	reason TEXT, 
	assigned_to TEXT, 
	lease_until BIGINT, 
	walk_order INTEGER DEFAULT 0 NOT NULL, 
	created_at BIGINT NOT NULL, 
	changed_at BIGINT NOT NULL, 
	started_at BIGINT, 
	done_at BIGINT, 
	CONSTRAINT pk_pick_task PRIMARY KEY (site_id, task_id), 
	CONSTRAINT ck_pick_task_state CHECK (state IN ('open','assigned','picked','short','cancelled')), 
	CONSTRAINT ck_pick_task_quantity CHECK (quantity > 0)
);

CREATE INDEX ix_pick_task_assigned ON pick_task (site_id, assigned_to) WHERE state = 'assigned';

CREATE INDEX ix_pick_task_done ON pick_task (site_id, done_at);

CREATE INDEX ix_pick_task_fulfilment ON pick_task (site_id, fulfilment_id);

CREATE INDEX ix_pick_task_open ON pick_task (site_id, state, walk_order);

CREATE INDEX ix_pick_task_reservation ON pick_task (site_id, reservation_id);

CREATE INDEX ix_pick_task_wave ON pick_task (site_id, wave_id);

CREATE TABLE portal (
	site_id TEXT NOT NULL, 
	portal TEXT NOT NULL, 
	door_location_id BIGINT NOT NULL, 
	inside_location_id BIGINT NOT NULL, 
	cell TEXT DEFAULT 'site' NOT NULL, 
	settings JSONB DEFAULT '{}'::jsonb NOT NULL, 
	CONSTRAINT pk_portal PRIMARY KEY (site_id, portal)
);

CREATE TABLE portal_mode (
	site_id TEXT NOT NULL, 
	portal TEXT NOT NULL, 
	direction TEXT NOT NULL, 
	owner_id TEXT DEFAULT '*' NOT NULL, 
	mode TEXT DEFAULT 'observe' NOT NULL, 
	since BIGINT NOT NULL, 
	actor TEXT, 
	CONSTRAINT pk_portal_mode PRIMARY KEY (site_id, portal, direction, owner_id), 
	CONSTRAINT ck_portal_mode_mode CHECK (mode IN ('observe','propose','book')), 
	CONSTRAINT ck_portal_mode_direction CHECK (direction IN ('in','out'))
);

CREATE TABLE position (
	site_id TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	location_id BIGINT, 
	confidence FLOAT NOT NULL, 
	since BIGINT NOT NULL, 
	last_seen_at BIGINT NOT NULL, 
	read_point TEXT, 
	agent TEXT, 
	boot BIGINT, 
	seq BIGINT, 
	CONSTRAINT pk_position PRIMARY KEY (site_id, subject)
);

CREATE INDEX ix_position_location ON position (site_id, location_id);

CREATE TABLE position_change (
	site_id TEXT NOT NULL, 
	change_id BIGINT GENERATED BY DEFAULT AS IDENTITY, 
	since BIGINT NOT NULL, 
	subject TEXT NOT NULL, 
	from_location_id BIGINT, 
	to_location_id BIGINT, 
	confidence FLOAT NOT NULL, 
	until BIGINT, 
	read_point TEXT, 
	agent TEXT, 
	boot BIGINT, 
	seq BIGINT, 
	CONSTRAINT pk_position_change PRIMARY KEY (site_id, change_id, since)
)
 PARTITION BY RANGE (since);

CREATE INDEX ix_position_change_subject ON position_change (site_id, subject, since);

CREATE INDEX ix_position_change_until ON position_change (site_id, COALESCE(until, 9223372036854775807)) WHERE to_location_id IS NOT NULL;

CREATE TABLE promise (
	site_id TEXT NOT NULL, 
	promise_id UUID NOT NULL, 
	fulfilment_id UUID NOT NULL, 
	line_no BIGINT NOT NULL, 
	owner_id TEXT NOT NULL, 
	item_id BIGINT NOT NULL, 
	quantity BIGINT DEFAULT 0 NOT NULL, 
	state TEXT DEFAULT 'open' NOT NULL, 
	created_at BIGINT NOT NULL, 
	expires_at BIGINT, 
	CONSTRAINT pk_promise PRIMARY KEY (site_id, promise_id), 
	CONSTRAINT ck_promise_quantity CHECK (quantity > 0), 
	CONSTRAINT ck_promise_state CHECK (state IN ('open','reserved','voided','expired'))
);

CREATE INDEX ix_promise_fulfilment ON promise (site_id, fulfilment_id);

CREATE INDEX ix_promise_open ON promise (site_id, owner_id, item_id) WHERE state = 'open';

CREATE TABLE quant (
	site_id TEXT NOT NULL, 
	quant_id BIGINT GENERATED BY DEFAULT AS IDENTITY, 
	owner_id TEXT NOT NULL, 
	item_id BIGINT NOT NULL, 
	lot_id BIGINT, 
	location_id BIGINT NOT NULL, 
	handling_unit_id UUID, 
	status TEXT DEFAULT 'available' NOT NULL, 
	on_hand BIGINT DEFAULT 0 NOT NULL, 
	reserved BIGINT DEFAULT 0 NOT NULL, 
	received_at BIGINT, 
	CONSTRAINT pk_quant PRIMARY KEY (site_id, quant_id), 
	CONSTRAINT uq_quant_key UNIQUE NULLS NOT DISTINCT (site_id, owner_id, item_id, lot_id, location_id, handling_unit_id, status), 
	CONSTRAINT ck_quant_on_hand CHECK (on_hand >= 0), 
	CONSTRAINT ck_quant_reserved CHECK (0 <= reserved AND reserved <= on_hand), 
	CONSTRAINT ck_quant_status CHECK (status IN ('available', 'quality', 'hold', 'damaged', 'expired'))
);

CREATE INDEX ix_quant_handling_unit ON quant (site_id, handling_unit_id);

CREATE INDEX ix_quant_item ON quant (site_id, item_id);

CREATE INDEX ix_quant_location ON quant (site_id, location_id);

CREATE INDEX ix_quant_lot ON quant (site_id, lot_id) WHERE lot_id IS NOT NULL;

CREATE TABLE read_point (
	site_id TEXT NOT NULL, 
	read_point TEXT NOT NULL, 
	agent TEXT NOT NULL, 
	device TEXT NOT NULL, 
	antenna INTEGER, 
	gpi_port INTEGER, 
	role TEXT NOT NULL, 
	portal TEXT, 
	side TEXT, 
	location_id BIGINT, 
	x_m FLOAT, 
	y_m FLOAT, 
	CONSTRAINT pk_read_point PRIMARY KEY (site_id, read_point), 
	CONSTRAINT ck_read_point_role CHECK (role IN ('portal','beam','zone','conveyor','station')), 
	CONSTRAINT ck_read_point_side CHECK (side IS NULL OR side IN ('inside','outside'))
);

CREATE UNIQUE INDEX uq_read_point_antenna ON read_point (site_id, agent, device, antenna) WHERE antenna IS NOT NULL;

CREATE TABLE reservation (
	site_id TEXT NOT NULL, 
	reservation_id UUID NOT NULL, 
	purpose TEXT NOT NULL, 
	quant_id BIGINT NOT NULL, 
	owner_id TEXT NOT NULL, 
	item_id BIGINT NOT NULL, 
	quantity BIGINT DEFAULT 0 NOT NULL, 
	fulfilment_id UUID, 
	line_no BIGINT, 
	task_id UUID, 
	state TEXT DEFAULT 'pending' NOT NULL, 
	created_at BIGINT NOT NULL, 
	changed_at BIGINT NOT NULL, 
	CONSTRAINT pk_reservation PRIMARY KEY (site_id, reservation_id), 
	CONSTRAINT ck_reservation_purpose CHECK (purpose IN ('order','replenishment')), 
	CONSTRAINT ck_reservation_quantity CHECK (quantity > 0), 
	CONSTRAINT ck_reservation_state CHECK (state IN ('pending','posted','voided','expired')), 
	CONSTRAINT ck_reservation_order CHECK ((purpose = 'order') = (fulfilment_id IS NOT NULL))
);

CREATE INDEX ix_reservation_fulfilment ON reservation (site_id, fulfilment_id);

CREATE INDEX ix_reservation_quant ON reservation (site_id, quant_id) WHERE state = 'pending';

CREATE TABLE session (
	digest BYTEA NOT NULL, 
	key_id UUID NOT NULL, 
	created_at BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	CONSTRAINT pk_session PRIMARY KEY (digest)
);

CREATE TABLE shipment (
	site_id TEXT NOT NULL, 
	shipment_id UUID NOT NULL, 
	external_id TEXT, 
	owner_id TEXT NOT NULL, 
	state TEXT DEFAULT 'planned' NOT NULL, 
	carrier TEXT, 
	portal TEXT, 
	staging_location_id BIGINT, 
	created_at BIGINT NOT NULL, 
	changed_at BIGINT NOT NULL, 
	shipped_at BIGINT, 
	CONSTRAINT pk_shipment PRIMARY KEY (site_id, shipment_id), 
	CONSTRAINT ck_shipment_state CHECK (state IN ('planned','staged','verifying','verified','held','shipped','cancelled'))
);

CREATE INDEX ix_shipment_state ON shipment (site_id, state);

CREATE TABLE shipment_unit (
	site_id TEXT NOT NULL, 
	shipment_id UUID NOT NULL, 
	handling_unit_id UUID NOT NULL, 
	fulfilment_id UUID, 
	loaded_at BIGINT, 
	pass_id UUID, 
	CONSTRAINT pk_shipment_unit PRIMARY KEY (site_id, shipment_id, handling_unit_id)
);

CREATE TABLE site (
	site_id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	timezone TEXT DEFAULT 'UTC' NOT NULL, 
	gln TEXT, 
	settings JSONB DEFAULT '{}'::jsonb NOT NULL, 
	created_at BIGINT NOT NULL, 
	CONSTRAINT pk_site PRIMARY KEY (site_id)
);

CREATE TABLE stock_mark (
	site_id TEXT NOT NULL, 
	marked_at BIGINT NOT NULL, 
	taken_at BIGINT NOT NULL, 
	CONSTRAINT pk_stock_mark PRIMARY KEY (site_id, marked_at)
);

CREATE TABLE stock_mark_row (
	site_id TEXT NOT NULL, 
	marked_at BIGINT NOT NULL, 
	row BIGINT GENERATED BY DEFAULT AS IDENTITY, 
	owner_id TEXT NOT NULL, 
	location_id BIGINT NOT NULL, 
	handling_unit_id UUID, 
	on_hand BIGINT DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_stock_mark_row PRIMARY KEY (site_id, marked_at, row)
);

CREATE TABLE stocktake (
	site_id TEXT NOT NULL, 
	count_id UUID NOT NULL, 
	location_id BIGINT NOT NULL, 
	reason TEXT NOT NULL, 
	state TEXT DEFAULT 'open' NOT NULL, 
	round INTEGER DEFAULT 1 NOT NULL, 
	assigned_to TEXT, 
	created_at BIGINT NOT NULL, 
	created_by TEXT NOT NULL, 
	started_at BIGINT, 
	counted_at BIGINT, 
	counted_by TEXT, 
	counted_key TEXT, 
	reconciled_at BIGINT, 
	reconciled_by TEXT, 
	CONSTRAINT pk_stocktake PRIMARY KEY (site_id, count_id), 
	CONSTRAINT ck_stocktake_reason CHECK (reason IN ('plan','zero_check','doubt','hand','sweep')), 
	CONSTRAINT ck_stocktake_state CHECK (state IN ('open','counted','reconciled','cancelled'))
);

CREATE INDEX ix_stocktake_location ON stocktake (site_id, location_id, reconciled_at);

CREATE INDEX ix_stocktake_state ON stocktake (site_id, state, created_at);

CREATE UNIQUE INDEX uq_stocktake_live ON stocktake (site_id, location_id) WHERE state IN ('open','counted');

CREATE TABLE stocktake_line (
	site_id TEXT NOT NULL, 
	line_id BIGINT GENERATED BY DEFAULT AS IDENTITY, 
	count_id UUID NOT NULL, 
	owner_id TEXT NOT NULL, 
	item_id BIGINT NOT NULL, 
	lot_id BIGINT, 
	handling_unit_id UUID, 
	status TEXT DEFAULT 'available' NOT NULL, 
	expected BIGINT DEFAULT 0 NOT NULL, 
	counted BIGINT DEFAULT 0 NOT NULL, 
	variance BIGINT DEFAULT 0 NOT NULL, 
	finding TEXT NOT NULL, 
	CONSTRAINT pk_stocktake_line PRIMARY KEY (site_id, line_id), 
	CONSTRAINT ck_stocktake_line_finding CHECK (finding IN ('right','more','less','disturbed'))
);

CREATE INDEX ix_stocktake_line_count ON stocktake_line (site_id, count_id);

CREATE TABLE stocktake_unit (
	site_id TEXT NOT NULL, 
	count_id UUID NOT NULL, 
	epc_key TEXT NOT NULL, 
	finding TEXT NOT NULL, 
	CONSTRAINT pk_stocktake_unit PRIMARY KEY (site_id, count_id, epc_key), 
	CONSTRAINT ck_stocktake_unit_finding CHECK (finding IN ('missing','elsewhere','back','unknown','disturbed'))
);

CREATE TABLE tag_binding (
	site_id TEXT NOT NULL, 
	epc_key TEXT NOT NULL, 
	epc TEXT, 
	state TEXT DEFAULT 'bound' NOT NULL, 
	owner_id TEXT, 
	item_id BIGINT, 
	lot_id BIGINT, 
	handling_unit_id UUID, 
	replaces TEXT, 
	bound_by TEXT, 
	bound_reason TEXT, 
	bound_at BIGINT, 
	ended TEXT, 
	replaced_by TEXT, 
	retired_by TEXT, 
	retired_reason TEXT, 
	retired_at BIGINT, 
	CONSTRAINT pk_tag_binding PRIMARY KEY (site_id, epc_key), 
	CONSTRAINT ck_tag_binding_state CHECK (state IN ('bound','retired')), 
	CONSTRAINT ck_tag_binding_end CHECK ((state = 'retired') = (ended IS NOT NULL)), 
	CONSTRAINT ck_tag_binding_ended CHECK (ended IN ('killed','retagged'))
);

CREATE TABLE tag_chip (
	site_id TEXT NOT NULL, 
	epc_key TEXT NOT NULL, 
	tid TEXT NOT NULL, 
	first_seen_at BIGINT NOT NULL, 
	CONSTRAINT pk_tag_chip PRIMARY KEY (site_id, epc_key)
);

CREATE TABLE tag_quarantine (
	site_id TEXT NOT NULL, 
	quarantine_id UUID NOT NULL, 
	epc_key TEXT NOT NULL, 
	cause TEXT NOT NULL, 
	facts JSONB DEFAULT '{}'::jsonb NOT NULL, 
	opened_at BIGINT NOT NULL, 
	verdict TEXT, 
	reason TEXT, 
	resolved_by TEXT, 
	resolved_at BIGINT, 
	CONSTRAINT pk_tag_quarantine PRIMARY KEY (site_id, quarantine_id), 
	CONSTRAINT ck_tag_quarantine_cause CHECK (cause IN ('travel','tid')), 
	CONSTRAINT ck_tag_quarantine_verdict CHECK (verdict IN ('genuine','copy')), 
	CONSTRAINT ck_tag_quarantine_resolved CHECK ((verdict IS NULL) = (resolved_at IS NULL))
);

CREATE UNIQUE INDEX uq_tag_quarantine_open ON tag_quarantine (site_id, epc_key) WHERE resolved_at IS NULL;

CREATE TABLE task (
	site_id TEXT NOT NULL, 
	task_id UUID NOT NULL, 
	kind TEXT NOT NULL, 
	state TEXT DEFAULT 'open' NOT NULL, 
	owner_id TEXT, 
	item_id BIGINT, 
	lot_id BIGINT, 
	handling_unit_id UUID, 
	epc_key TEXT, 
	quantity BIGINT DEFAULT 0 NOT NULL, 
	source_location_id BIGINT, 
	target_location_id BIGINT, 
	reservation_id UUID, 
	reason TEXT, 
	assigned_to TEXT, 
	lease_until BIGINT, 
	created_at BIGINT NOT NULL, 
	changed_at BIGINT NOT NULL, 
	done_at BIGINT, 
	CONSTRAINT pk_task PRIMARY KEY (site_id, task_id), 
	CONSTRAINT ck_task_kind CHECK (kind IN ('putaway','replenishment','discrepancy','put_back','count'))
);

CREATE INDEX ix_task_done ON task (site_id, done_at);

CREATE INDEX ix_task_handling_unit ON task (site_id, handling_unit_id);

CREATE INDEX ix_task_open ON task (site_id, kind, state, created_at);

CREATE INDEX ix_task_reservation ON task (site_id, reservation_id) WHERE reservation_id IS NOT NULL;

CREATE TABLE unit (
	site_id TEXT NOT NULL, 
	epc_key TEXT NOT NULL, 
	owner_id TEXT NOT NULL, 
	item_id BIGINT NOT NULL, 
	lot_id BIGINT, 
	state TEXT DEFAULT 'announced' NOT NULL, 
	status TEXT DEFAULT 'available' NOT NULL, 
	location_id BIGINT, 
	handling_unit_id UUID, 
	reservation_id UUID, 
	changed_at BIGINT NOT NULL, 
	CONSTRAINT pk_unit PRIMARY KEY (site_id, epc_key), 
	CONSTRAINT ck_unit_state CHECK (state IN ('announced','present','gone','missing','retired')), 
	CONSTRAINT ck_unit_place CHECK ((state = 'present') = (location_id IS NOT NULL))
);

CREATE INDEX ix_unit_handling_unit ON unit (site_id, handling_unit_id);

CREATE INDEX ix_unit_item ON unit (site_id, item_id);

CREATE INDEX ix_unit_location ON unit (site_id, location_id);

CREATE TABLE verify_run (
	run_id BIGINT GENERATED BY DEFAULT AS IDENTITY, 
	site_id TEXT NOT NULL, 
	started_at BIGINT NOT NULL, 
	finished_at BIGINT NOT NULL, 
	drift INTEGER NOT NULL, 
	findings JSONB DEFAULT '{}'::jsonb NOT NULL, 
	CONSTRAINT pk_verify_run PRIMARY KEY (run_id)
);

CREATE TABLE wave (
	site_id TEXT NOT NULL, 
	wave_id UUID NOT NULL, 
	state TEXT DEFAULT 'planned' NOT NULL, 
	rule TEXT, 
	created_at BIGINT NOT NULL, 
	changed_at BIGINT NOT NULL, 
	CONSTRAINT pk_wave PRIMARY KEY (site_id, wave_id), 
	CONSTRAINT ck_wave_state CHECK (state IN ('planned','released','picking','done','cancelled'))
);

CREATE TABLE webhook_delivery (
	delivery_id UUID NOT NULL, 
	endpoint_id UUID NOT NULL, 
	outbox_id BIGINT NOT NULL, 
	event TEXT NOT NULL, 
	aggregate TEXT NOT NULL, 
	body BYTEA NOT NULL, 
	state TEXT DEFAULT 'due' NOT NULL, 
	attempts INTEGER DEFAULT 0 NOT NULL, 
	due_at BIGINT NOT NULL, 
	lease_until BIGINT, 
	last_outcome TEXT, 
	created_at BIGINT NOT NULL, 
	delivered_at BIGINT, 
	CONSTRAINT pk_webhook_delivery PRIMARY KEY (delivery_id), 
	CONSTRAINT ck_webhook_delivery_state CHECK (state IN ('due','delivered','dead'))
);

CREATE INDEX ix_webhook_delivery_done ON webhook_delivery (delivered_at) WHERE state <> 'due';

CREATE INDEX ix_webhook_delivery_due ON webhook_delivery (endpoint_id, aggregate, outbox_id) WHERE state = 'due';

CREATE UNIQUE INDEX uq_webhook_delivery_once ON webhook_delivery (endpoint_id, outbox_id);

CREATE TABLE webhook_endpoint (
	endpoint_id UUID NOT NULL, 
	site_id TEXT NOT NULL, 
	owner_id TEXT NOT NULL, 
	url TEXT NOT NULL, 
	events TEXT[] NOT NULL, 
	timeout_s INTEGER DEFAULT 5 NOT NULL, 
	secret TEXT NOT NULL, 
	previous_secret TEXT, 
	rotated_at BIGINT, 
	state TEXT DEFAULT 'active' NOT NULL, 
	state_reason TEXT, 
	created_at BIGINT NOT NULL, 
	active_since BIGINT NOT NULL, 
	CONSTRAINT pk_webhook_endpoint PRIMARY KEY (endpoint_id), 
	CONSTRAINT ck_webhook_endpoint_state CHECK (state IN ('active','disabled'))
);

CREATE INDEX ix_webhook_endpoint_site ON webhook_endpoint (site_id, owner_id, endpoint_id);
