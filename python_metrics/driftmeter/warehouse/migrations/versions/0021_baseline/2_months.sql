-- Tables that grow are split by month: a day reads and replaces its month alone,
-- and an old month is dropped, not deleted row by row. `column_summary`, `drift`,
-- `performance` and `test_results` are: a year of two monitors is 144, 90, 31 and
-- 32 MB of them, and panels over three years took no longer from 37 months than
-- from whole tables. What has few rows a day stays whole.

create function metrics.quoted_name(relation regclass) returns text
language sql stable as $$
    select format('%I.%I', nspname, relname)
    from pg_class join pg_namespace on pg_namespace.oid = relnamespace
    where pg_class.oid = relation
$$;

-- The table's name with the month behind it, within the 63 bytes of a name.
create function metrics.month_name(parent regclass, month date) returns text
language sql stable as $$
    select format(
        '%I.%I', pg_namespace.nspname,
        case
            when octet_length(relname) <= 55 then relname
            -- A name has 63 bytes; a letter may have four.
            else left(relname, 11) || '_' || left(md5(relname), 8)
        end || to_char(month, '_YYYY_MM')
    )
    from pg_class join pg_namespace on pg_namespace.oid = relnamespace
    where pg_class.oid = parent
$$;

-- A month is attached, not created in place: whoever reads or writes the table
-- meanwhile is not held up, and of two that make the same month one waits for the
-- other. Gives how many were made.
create function metrics.attach_months(parent regclass, days date[]) returns integer
language plpgsql as $$
declare
    month date;
    part text;
    made integer = 0;
begin
    if (select relkind from pg_class where oid = parent) <> 'p' then
        return 0;
    end if;
    for month in
        select distinct date_trunc('month', day)::date from unnest(days) as day
        where day is not null order by 1
    loop
        part = metrics.month_name(parent, month);
        continue when to_regclass(part) is not null;
        execute format('lock table only %s in share update exclusive mode', parent);
        continue when to_regclass(part) is not null;
        execute format(
            'create table %s (like %s including defaults including constraints'
            ' including storage)', part, parent
        );
        execute format(
            'alter table %s attach partition %s for values from (%L) to (%L)',
            parent, part, month, (month + interval '1 month')::date
        );
        made = made + 1;
    end loop;
    return made;
end
$$;

-- Fresh statistics of the months that were written, not of three years.
create function metrics.analyze_parts(written regclass, days date[]) returns void
language plpgsql as $$
declare
    part text;
begin
    if (select relkind from pg_class where oid = written) <> 'p' then
        execute format('analyze %s', written);
        return;
    end if;
    for part in
        select distinct metrics.month_name(written, day) from unnest(days) as day
    loop
        if to_regclass(part) is not null then
            execute format('analyze %s', part);
        end if;
    end loop;
end
$$;

-- A month is attached, and a table analyzed, by its owner only. For one who may add
-- rows the owner of these functions does it, and for nobody else.
create function metrics.make_months_for_writer(parent regclass, days date[])
returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if not has_table_privilege(session_user, parent, 'insert')
        or (select relowner from pg_class where oid = parent) <> current_user::regrole
    then
        raise insufficient_privilege using message = format('permission denied for %s', parent);
    end if;
    return metrics.attach_months(parent, days);
end
$$;
revoke all on function metrics.make_months_for_writer from public;
create function metrics.make_months(parent regclass, days date[]) returns integer
language plpgsql as $$
begin
    if pg_has_role(current_user, (select relowner from pg_class where oid = parent), 'usage')
    then
        return metrics.attach_months(parent, days);
    else
        return metrics.make_months_for_writer(parent, days);
    end if;
end
$$;

create function metrics.analyze_months_for_writer(parent regclass, days date[])
returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if not has_table_privilege(session_user, parent, 'insert')
        or (select relowner from pg_class where oid = parent) <> current_user::regrole
    then
        raise insufficient_privilege using message = format('permission denied for %s', parent);
    end if;
    perform metrics.analyze_parts(parent, days);
end
$$;
revoke all on function metrics.analyze_months_for_writer from public;
create function metrics.analyze_months(written regclass, days date[]) returns void
language plpgsql as $$
begin
    if pg_has_role(current_user, (select relowner from pg_class where oid = written), 'usage')
    then
        perform metrics.analyze_parts(written, days);
    else
        perform metrics.analyze_months_for_writer(written, days);
    end if;
end
$$;

-- For tables that are there already, such as a team's own inference table. What must
-- not be lost with the table that takes its place: views and functions over it, keys
-- without the day, triggers, policies. Such a table stays whole, and gives false.
create function metrics.split_by_month(plain regclass) returns boolean
language plpgsql as $$
declare
    of_plain pg_class = (select pg_class from pg_class where oid = plain);
    whole text = metrics.quoted_name(plain);
    day smallint = (
        select attnum from pg_attribute
        where attrelid = plain and attname = 'partition_date' and not attisdropped
    );
    afterwards text[];
    statement text;
    days date[];
begin
    if of_plain.relkind <> 'r' or of_plain.relispartition or of_plain.relrowsecurity
        or day is null
        or exists (
            select from pg_depend
            where refclassid = 'pg_class'::regclass and refobjid = plain and deptype = 'n'
            and classid in ('pg_rewrite'::regclass, 'pg_proc'::regclass)
        )
        or exists (select from pg_constraint where confrelid = plain)
        or exists (select from pg_trigger where tgrelid = plain and not tgisinternal)
        or exists (
            select from pg_index
            where indrelid = plain and indisunique and day <> all (indkey::smallint[])
        )
    then
        return false;
    end if;
    execute format('lock table %s in access exclusive mode', plain);
    execute format('select array_agg(distinct partition_date) from %s', plain) into days;
    if array_position(days, null) is not null then
        return false;
    end if;
    select array_agg(made.definition order by made.position, made.name) into afterwards
    from (
        select
            1 as position, conname as name,
            format('alter table %s add constraint %I ', whole, conname)
            || pg_get_constraintdef(oid) as definition
        from pg_constraint where conrelid = plain and contype in ('p', 'u')
        union all
        select 2, relname, pg_get_indexdef(indexrelid)
        from pg_index join pg_class on pg_class.oid = indexrelid
        where indrelid = plain
            and not exists (select from pg_constraint where conindid = indexrelid)
        union all
        select
            3, format('%s %s', acl.grantee, acl.privilege_type),
            format(
                'grant %s on %s to %s', acl.privilege_type, whole,
                case when acl.grantee = 0 then 'public' else acl.grantee::regrole::text end
            )
        from aclexplode(of_plain.relacl) as acl where acl.grantee <> of_plain.relowner
        union all
        select 4, '', format('comment on table %s is %L', whole, description)
        from pg_description where objoid = plain and objsubid = 0
            and classoid = 'pg_class'::regclass
    ) as made;
    execute format('alter table %s rename to %I', whole, of_plain.relname || '_whole');
    execute format(
        'create table %s (like %s including all excluding indexes)'
        ' partition by range (partition_date)', whole, plain
    );
    perform metrics.make_months(whole::regclass, days);
    execute format('insert into %s select * from %s', whole, plain);
    execute format('drop table %s', plain);
    foreach statement in array coalesce(afterwards, '{}') loop
        execute statement;
    end loop;
    return true;
end
$$;
