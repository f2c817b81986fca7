/**
 * What the server does by itself, so that a batch costs one round trip and one commit. Functions rather than statements:
 * what a step needs to see was committed while the step before waited for a lock, and plans must hold while tables grow.
 */

/** @param schema quoted */
export function writeFunction(schema: string): string {
  return `
CREATE FUNCTION ${schema}.polaris_write_5(
  relaxed boolean, clock bigint, ids text[], expected_incarnations text[], expected_revisions bigint[], expected_fences bigint[],
  expected_mail bigint[], incarnations text[], revisions bigint[], fences bigint[], workflows text[], versions bigint[],
  statuses text[], holders text[], wakes bigint[], appended bigint[], handled bigint[], claims_ bigint[],
  created bigint[], rests text[], leases bigint[],
  row_of integer[], row_places text[], row_seqs bigint[], row_rests text[], row_values text[],
  mail_of integer[], mail_seqs bigint[], mail_requests text[], mail_modes text[], mail_hashes text[],
  mail_bodies text[], mail_outcomes text[], mail_appended_ats bigint[], mail_handled_ats bigint[],
  done_of integer[], done_seqs bigint[], done_outcomes text[], done_ats bigint[], channel text
) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
  present bigint := ${PRESENT};
  answers bigint[] := array_fill(NULL::bigint, ARRAY[cardinality(ids)]);
  cancelled bigint[] := '{}';
  stands bigint;
  cancelling_ bigint;
  left_ boolean;
  slot_ integer;
BEGIN
  ${SYNCHRONOUS}
  ${putHeaders(schema)}
  ${addRows(schema)}
  -- Few are: those that shall be cancelled come behind the others, as pairs of slot and seq.
  RETURN answers || cancelled;
END $$`
}

/**
 * Inserts and updates in one statement that takes the batch in the order given, with a plan that no statistics can change:
 * an update joined with the batch was planned as a scan while the table was empty, and the plan kept as it grew. One by
 * one, the same cost the server 58 µs a change, against 36. An update of what does not exist inserts it, which shows by a
 * slot above 0, and is undone before anybody can see it (P1). What begins anew in the place of a tombstone is an update like any
 * other: a tombstone has neither rows nor mail.
 */
function putHeaders(schema: string): string {
  return `FOR slot_, stands, cancelling_, left_ IN
    INSERT INTO ${schema}.polaris_instances AS i (id, incarnation, revision, fence, workflow, version, status, holder,
      wake_at, mail_appended, mail_handled, claims, created_at, rest, slot)
    SELECT c.id, c.incarnation, c.revision, c.fence, c.workflow, c.version, c.status, c.holder,
      CASE WHEN c.lease IS NOT NULL THEN present + c.lease
        WHEN c.holder IS NULL AND c.appended > c.handled THEN present ELSE c.wake END,
      c.appended, c.handled, c.claims, c.created, c.rest, c.slot
    FROM unnest(ids, incarnations, revisions, fences, workflows, versions, statuses, holders, wakes, appended, handled,
      claims_, created, rests, leases) WITH ORDINALITY AS c (id, incarnation, revision, fence, workflow, version, status,
      holder, wake, appended, handled, claims, created, rest, lease, slot)
    ON CONFLICT (id) DO UPDATE SET incarnation = excluded.incarnation, revision = excluded.revision,
      fence = excluded.fence, workflow = excluded.workflow, version = excluded.version, status = excluded.status,
      created_at = excluded.created_at, holder = excluded.holder, slot = -excluded.slot,
      wake_at = CASE WHEN leases[excluded.slot] IS NOT NULL THEN excluded.wake_at
        WHEN excluded.holder IS NOT NULL THEN
          CASE WHEN i.incarnation = excluded.incarnation THEN i.wake_at ELSE excluded.wake_at END
        WHEN CASE WHEN expected_mail[excluded.slot] IS NULL THEN i.mail_appended ELSE excluded.mail_appended END
          > excluded.mail_handled THEN present
        ELSE wakes[excluded.slot] END,
      mail_appended =
        CASE WHEN expected_mail[excluded.slot] IS NULL THEN i.mail_appended ELSE excluded.mail_appended END,
      mail_handled = excluded.mail_handled, claims = excluded.claims, rest = excluded.rest
    WHERE i.revision = expected_revisions[excluded.slot] AND i.fence = expected_fences[excluded.slot]
      AND i.incarnation = expected_incarnations[excluded.slot]
      AND (expected_mail[excluded.slot] IS NULL OR i.mail_appended = expected_mail[excluded.slot])
    RETURNING i.slot, i.mail_appended, i.cancelling, i.holder IS NULL AND i.wake_at <= present
  LOOP
    IF slot_ > 0 AND expected_incarnations[slot_] IS NOT NULL THEN
      -- An update of what does not exist (P1). Nobody has seen it.
      DELETE FROM ${schema}.polaris_instances i WHERE i.id = ids[slot_];
    ELSE
      answers[abs(slot_)] := stands;
      IF left_ THEN PERFORM pg_notify(channel, ids[abs(slot_)]); END IF;
      IF cancelling_ > 0 THEN cancelled := cancelled || abs(slot_)::bigint || cancelling_; END IF;
    END IF;
  END LOOP;`
}

function addRows(schema: string): string {
  return `INSERT INTO ${schema}.polaris_rows (id, place, seq, rest, value)
    SELECT ids[r.k], r.place, r.seq, r.rest, r.value
    FROM unnest(row_of, row_places, row_seqs, row_rests, row_values) AS r (k, place, seq, rest, value)
    WHERE answers[r.k] IS NOT NULL;
  IF mail_of IS NOT NULL THEN
    INSERT INTO ${schema}.polaris_mail
      (id, seq, request_id, mode, hash, body, outcome, appended_at, handled_at)
    SELECT ids[m.k], m.seq, m.request_id, m.mode, m.hash, m.body, m.outcome, m.appended_at, m.handled_at
    FROM unnest(mail_of, mail_seqs, mail_requests, mail_modes, mail_hashes, mail_bodies, mail_outcomes,
      mail_appended_ats, mail_handled_ats)
      AS m (k, seq, request_id, mode, hash, body, outcome, appended_at, handled_at)
    WHERE answers[m.k] IS NOT NULL;
  END IF;
  IF done_of IS NOT NULL THEN
    FOR j IN 1 .. cardinality(done_of) LOOP
      CONTINUE WHEN answers[done_of[j]] IS NULL;
      UPDATE ${schema}.polaris_mail m SET outcome = done_outcomes[j], handled_at = done_ats[j], body = NULL
      WHERE m.id = ids[done_of[j]] AND m.seq = done_seqs[j];
      IF FOUND THEN PERFORM pg_notify(channel, ids[done_of[j]]); END IF;
    END LOOP;
  END IF;`
}

/** @param schema quoted */
export function appendFunction(schema: string): string {
  return `
CREATE FUNCTION ${schema}.polaris_append_2(
  relaxed boolean, clock bigint, ids text[], expectations text[], cancels boolean[], incarnations text[], revisions bigint[], fences bigint[],
  workflows text[], versions bigint[], statuses text[], holders text[], handled bigint[], claims_ bigint[],
  created bigint[], rests text[],
  requests text[], modes text[], hashes text[], bodies text[], appended_ats bigint[], channel text
) RETURNS TABLE (answer text, instance ${schema}.polaris_instances, mail ${schema}.polaris_mail)
LANGUAGE plpgsql AS $$
BEGIN
  ${SYNCHRONOUS}
  FOR k IN 1 .. cardinality(ids) LOOP
    mail := NULL;
    LOOP
      -- The row is the lock: whoever holds it is alone with the instance's mail.
      SELECT i.* INTO instance FROM ${schema}.polaris_instances i WHERE i.id = ids[k] FOR NO KEY UPDATE;
      IF FOUND THEN
        SELECT m.* INTO mail FROM ${schema}.polaris_mail m WHERE m.id = ids[k] AND m.request_id = requests[k];
        IF FOUND THEN
          answer := 'known';
        ELSIF expectations[k] = 'new' OR instance.workflow <> workflows[k] OR instance.cancelling > 0
          OR instance.status IN ('cancelled', 'deleted') THEN
          answer := 'refused';
        ELSE
          answer := 'appended';
          UPDATE ${schema}.polaris_instances i SET mail_appended = i.mail_appended + 1,
            cancelling = CASE WHEN cancels[k] THEN i.mail_appended + 1 ELSE i.cancelling END,
            wake_at = CASE WHEN i.holder IS NULL THEN least(i.wake_at, ${PRESENT}) ELSE i.wake_at END
          WHERE i.id = ids[k] RETURNING i.* INTO instance;
        END IF;
        EXIT;
      END IF;
      instance := NULL;
      answer := 'refused';
      EXIT WHEN expectations[k] = 'existing' OR cancels[k];
      INSERT INTO ${schema}.polaris_instances AS i (id, incarnation, revision, fence, workflow, version, status,
        holder, wake_at, mail_appended, mail_handled, claims, created_at, rest)
      VALUES (ids[k], incarnations[k], revisions[k], fences[k], workflows[k], versions[k], statuses[k], holders[k],
        ${PRESENT}, 1, handled[k], claims_[k], created[k], rests[k])
      ON CONFLICT DO NOTHING RETURNING i.* INTO instance;
      IF FOUND THEN
        answer := 'appended';
        EXIT;
      END IF;
    END LOOP;
    IF answer = 'appended' THEN
      INSERT INTO ${schema}.polaris_mail (id, seq, request_id, mode, hash, body, appended_at)
      VALUES (ids[k], instance.mail_appended, requests[k], modes[k], hashes[k], bodies[k], appended_ats[k]);
      PERFORM pg_notify(channel, ids[k]);
    END IF;
    RETURN NEXT;
  END LOOP;
END $$`
}

/** @param schema quoted */
export function claimFunction(schema: string): string {
  const take = `
    taken AS (
      UPDATE ${schema}.polaris_instances i SET holder = new_holder, fence = i.fence + 1, claims = i.claims + 1,
        wake_at = present + lease
      WHERE i.id = ANY (ARRAY(SELECT due.id FROM due)) RETURNING i.*
    )
    SELECT taken.* FROM taken JOIN due USING (id) ORDER BY due.wake_at, due.id`
  return `
CREATE FUNCTION ${schema}.polaris_claim_2(
  relaxed boolean, clock bigint, new_holder text, lease bigint, most bigint, workflows text[], versions bigint[], ids text[]
) RETURNS SETOF ${schema}.polaris_instances LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  present bigint := ${PRESENT};
BEGIN
  ${SYNCHRONOUS}
  IF ids IS NULL THEN
    RETURN QUERY WITH due AS MATERIALIZED (
      SELECT d.id, d.wake_at FROM unnest(workflows, versions) AS s (workflow, version) CROSS JOIN LATERAL (
        SELECT i.id, i.wake_at FROM ${schema}.polaris_instances i
        WHERE i.workflow = s.workflow AND i.version = s.version AND i.wake_at <= present
        ORDER BY i.wake_at LIMIT most FOR NO KEY UPDATE SKIP LOCKED
      ) d
      ORDER BY d.wake_at, d.id LIMIT most
    ),${take};
  ELSE
    RETURN QUERY WITH due AS MATERIALIZED (
      SELECT i.id, i.wake_at FROM ${schema}.polaris_instances i
      WHERE i.id = ANY (ids) AND i.wake_at <= present
        AND EXISTS (SELECT FROM unnest(workflows, versions) AS s (workflow, version)
          WHERE s.workflow = i.workflow AND s.version = i.version)
      ORDER BY i.wake_at, i.id LIMIT most FOR NO KEY UPDATE SKIP LOCKED
    ),${take};
  END IF;
END $$`
}

/**
 * A row that is deleted and inserted again in one transaction: whoever waits for the old one finds nothing, looks again,
 * and finds the new one.
 *
 * @param schema quoted
 */
export function removeFunction(schema: string): string {
  return `
CREATE FUNCTION ${schema}.polaris_remove_2(
  relaxed boolean, ids text[], expected_incarnations text[], expected_revisions bigint[], expected_fences bigint[],
  expected_mail bigint[], incarnations text[], revisions bigint[], fences bigint[], workflows text[], versions bigint[],
  statuses text[], holders text[], wakes bigint[], appended bigint[], handled bigint[], claims_ bigint[],
  created bigint[], rests text[], channel text
) RETURNS integer[] LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
  removed integer[] := '{}';
  waits boolean;
BEGIN
  ${SYNCHRONOUS}
  FOR k IN 1 .. cardinality(ids) LOOP
    DELETE FROM ${schema}.polaris_instances i
    WHERE i.id = ids[k] AND i.revision = expected_revisions[k] AND i.fence = expected_fences[k]
      AND i.incarnation = expected_incarnations[k]
      AND (expected_mail[k] IS NULL OR i.mail_appended = expected_mail[k])
    RETURNING i.mail_appended > i.mail_handled INTO waits;
    CONTINUE WHEN NOT FOUND;
    removed := removed || k;
    DELETE FROM ${schema}.polaris_rows r WHERE r.id = ids[k];
    DELETE FROM ${schema}.polaris_mail m WHERE m.id = ids[k];
    IF incarnations[k] IS NOT NULL THEN
      INSERT INTO ${schema}.polaris_instances (id, incarnation, revision, fence, workflow, version, status, holder,
        wake_at, mail_appended, mail_handled, claims, created_at, rest)
      VALUES (ids[k], incarnations[k], revisions[k], fences[k], workflows[k], versions[k], statuses[k], holders[k],
        wakes[k], appended[k], handled[k], claims_[k], created[k], rests[k]);
    END IF;
    IF waits THEN PERFORM pg_notify(channel, ids[k]); END IF;
  END LOOP;
  RETURN removed;
END $$`
}

/** @param schema quoted */
export function setMetaFunction(schema: string): string {
  return `
CREATE FUNCTION ${schema}.polaris_set_meta_4(
  relaxed boolean, clock bigint, kind_ text, key_ text, expected bigint, revision_ bigint, value_ text, expires bigint
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  present bigint := ${PRESENT};
BEGIN
  ${SYNCHRONOUS}
  IF expected IS NULL THEN
    INSERT INTO ${schema}.polaris_meta AS m (kind, key, revision, value, expires_at)
    VALUES (kind_, key_, revision_, value_, expires)
    ON CONFLICT (kind, key) DO UPDATE
      SET revision = excluded.revision, value = excluded.value, expires_at = excluded.expires_at
      WHERE m.expires_at <= present;
  ELSE
    UPDATE ${schema}.polaris_meta m SET revision = revision_, value = value_, expires_at = expires
    WHERE m.kind = kind_ AND m.key = key_ AND m.revision = expected
      AND (m.expires_at IS NULL OR m.expires_at > present);
  END IF;
  RETURN FOUND;
END $$`
}

/** @param schema quoted */
export function listMetaFunction(schema: string): string {
  return `
CREATE FUNCTION ${schema}.polaris_list_meta_4(clock bigint, kind_ text, after text, most bigint)
RETURNS SETOF ${schema}.polaris_meta LANGUAGE plpgsql SET enable_sort = off SET enable_seqscan = off AS $$
DECLARE
  present bigint := ${PRESENT};
BEGIN
  RETURN QUERY SELECT m.* FROM ${schema}.polaris_meta m
    WHERE m.kind = kind_ AND m.key > after AND (m.expires_at IS NULL OR m.expires_at > present)
    ORDER BY m.key LIMIT most;
END $$`
}

/** In milliseconds, at this very moment: `now()` would be the transaction's beginning. */
export const SERVER_TIME = 'floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint'

/** `clock`: what the store brings instead. */
const PRESENT = `coalesce(clock, ${SERVER_TIME})`

/** For this transaction only, and whoever made the connection: a commit that is answered is on disk (G1). */
const SYNCHRONOUS = `IF relaxed THEN
    PERFORM set_config('synchronous_commit', 'off', true);
  ELSIF current_setting('synchronous_commit') = 'off' THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;`
