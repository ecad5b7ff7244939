-- Words of the texts of each reference period, as hashes: a word that is not among them
-- is new. Those with the same first and last day are new on that day too, for no other
-- day of the reference has them. dbt writes them with the bins.
create table metrics.reference_words (
    monitor text not null,
    column_name text not null,
    word_hash bigint not null,
    first_day date not null,
    last_day date not null,
    primary key (word_hash, monitor, column_name)
);

-- Words of the first 10,000 characters of a text, in small letters: what is between
-- blanks, digits and signs of any script.
create function metrics.words_of(value text) returns setof text
language sql immutable parallel safe rows 40 as $$
    select word from regexp_split_to_table(
        lower(left(value, 10000)),
        '[\u0001-\u0040\u005B-\u0060\u007B-\u00A9\u00AB-\u00B4\u00B6-\u00B9\u00BB-\u00BF'
        '\u00D7\u00F7\u0660-\u0669\u066A-\u066D\u06D4\u06F0-\u06F9\u0964-\u096F\u2000-\u206F'
        '\u20A0-\u20CF\u2190-\u2BFF\u3000-\u303F\uFE00-\uFE0F\uFF00-\uFF20]+'
    ) as word
    where word <> ''
$$;

-- Characters of a text; null of one without any but blanks, which is missing like null.
create function metrics.text_length(value text) returns double precision
language sql immutable parallel safe as $$
    select nullif(length(btrim(value, E' \t\n\r')), 0)::double precision
$$;

-- Share of a text's words, 0 to 1, that the reference period never had; null of a text
-- without words. Of a reference day itself: that no other day of it had.
create function metrics.text_new_words(
    value text, of_monitor text, of_column text, day date
) returns double precision
language plpgsql stable parallel safe as $$
begin
    return (
        select avg(
            case when exists (
                select from metrics.reference_words as known
                where known.monitor = of_monitor
                    and known.column_name = of_column
                    and known.word_hash = hashtextextended(word, 0)
                    and (known.first_day <> day or known.last_day <> day)
            ) then 0 else 1 end
        )::double precision
        from metrics.words_of(value) as word
    );
end
$$;

-- The script that most letters of a text are of; null of a text without letters.
create function metrics.text_script(value text) returns text
language sql immutable parallel safe as $$
    select case
        when value !~ '[\u0370-\uFFFF\U00010000-\U0010FFFF]'
            then case when value ~ '[A-Za-z\u00AA\u00B5\u00BA\u00C0-\u024F]' then 'Latin' end
        else (
            select script from (
                values
                (1, 'Latin', '[A-Za-z\u00AA\u00B5\u00BA\u00C0-\u024F\u1E00-\u1EFF]'),
                (2, 'Cyrillic', '[\u0400-\u052F]'),
                (3, 'Greek', '[\u0370-\u03FF\u1F00-\u1FFF]'),
                (4, 'Arabic', '[\u0620-\u065F\u066E-\u06D3\u06D5-\u06EF\u06FA-\u077F]'),
                (5, 'Hebrew', '[\u0590-\u05FF]'),
                (6, 'Devanagari', '[\u0900-\u0963\u0970-\u097F]'),
                (7, 'Han', '[\u3400-\u4DBF\u4E00-\u9FFF]'),
                (8, 'Kana', '[\u3040-\u30FF]'),
                (9, 'Hangul', '[\u1100-\u11FF\u3130-\u318F\uAC00-\uD7AF]'),
                (10, 'Thai', '[\u0E00-\u0E7F]'),
                (
                    11,
                    'other',
                    '[\u0250-\u02AF\u0530-\u058F\u0700-\u08FF\u0980-\u0DFF\u0E80-\u10FF'
                    '\u1200-\u1CFF]'
                )
            ) as scripts (place, script, letters)
            where value ~ letters
            order by regexp_count(value, letters) desc, place
            limit 1
        )
    end
$$;

-- The language that most of a text's commonest words are of, as ISO 639 has it; null of
-- a text without words, and `unknown` where none is a word of these lists.
create function metrics.text_language(value text) returns text
language sql immutable parallel safe as $$
    select case when rows = 0 then null else coalesce((
        select language from unnest(
            array[
                'en', 'es', 'fr', 'de', 'pt', 'it', 'nl', 'ru', 'pl', 'tr', 'sv', 'da-nb',
                'fi', 'cs', 'ro', 'hu', 'el', 'uk'
            ],
            hits
        ) with ordinality as counted (language, hits, place)
        where counted.hits > 0
        order by counted.hits desc, place
        limit 1
    ), 'unknown') end
    from (
        select count(*) as rows, array[
            count(*) filter (where word in (
                'the', 'of', 'and', 'to', 'in', 'a', 'is', 'that', 'for', 'it', 'was',
                'on', 'are', 'as', 'with', 'his', 'they', 'at', 'be', 'this', 'have',
                'from', 'or', 'had', 'by', 'not', 'but', 'what', 'all', 'were', 'we',
                'when', 'your', 'can', 'said', 'there', 'an', 'which', 'their', 'if',
                'will', 'each', 'my', 'you', 'very', 'so', 'just', 'would'
            )),
            count(*) filter (where word in (
                'de', 'la', 'que', 'el', 'en', 'y', 'a', 'los', 'se', 'del', 'las', 'un',
                'por', 'con', 'no', 'una', 'su', 'para', 'es', 'al', 'lo', 'como', 'más',
                'o', 'pero', 'sus', 'le', 'ya', 'este', 'sí', 'porque', 'esta', 'muy',
                'sin', 'sobre', 'también', 'me', 'hasta', 'hay', 'donde', 'son', 'está',
                'fue', 'todo', 'nos'
            )),
            count(*) filter (where word in (
                'de', 'la', 'le', 'et', 'les', 'des', 'en', 'un', 'du', 'une', 'que',
                'est', 'pour', 'qui', 'dans', 'par', 'plus', 'pas', 'au', 'sur', 'ne',
                'se', 'il', 'sont', 'avec', 'ce', 'a', 'été', 'cette', 'aux', 'ou',
                'mais', 'nous', 'vous', 'je', 'très', 'son', 'fait', 'tout', 'même', 'on',
                'leur', 'ont'
            )),
            count(*) filter (where word in (
                'der', 'die', 'und', 'in', 'den', 'von', 'zu', 'das', 'mit', 'sich',
                'des', 'auf', 'für', 'ist', 'im', 'dem', 'nicht', 'ein', 'eine', 'als',
                'auch', 'es', 'an', 'werden', 'aus', 'er', 'hat', 'dass', 'sie', 'nach',
                'wird', 'bei', 'einer', 'ich', 'war', 'sind', 'oder', 'wie', 'wir',
                'noch', 'nur', 'sehr'
            )),
            count(*) filter (where word in (
                'de', 'a', 'o', 'que', 'e', 'do', 'da', 'em', 'um', 'para', 'é', 'com',
                'não', 'uma', 'os', 'no', 'se', 'na', 'por', 'mais', 'as', 'dos', 'como',
                'mas', 'foi', 'ao', 'ele', 'das', 'tem', 'à', 'seu', 'sua', 'ou', 'ser',
                'quando', 'muito', 'há', 'nos', 'já', 'está', 'eu', 'também', 'só',
                'pelo', 'pela', 'isso', 'até'
            )),
            count(*) filter (where word in (
                'di', 'e', 'il', 'la', 'che', 'in', 'un', 'a', 'per', 'è', 'una', 'sono',
                'del', 'non', 'si', 'con', 'da', 'le', 'i', 'al', 'dei', 'nel', 'della',
                'alla', 'più', 'anche', 'come', 'ma', 'gli', 'lo', 'ha', 'molto',
                'questo', 'o', 'se', 'ho', 'mi', 'delle', 'su', 'dal', 'suo', 'era', 'cui'
            )),
            count(*) filter (where word in (
                'de', 'en', 'van', 'ik', 'te', 'dat', 'die', 'in', 'een', 'hij', 'het',
                'niet', 'zijn', 'is', 'was', 'op', 'aan', 'met', 'als', 'voor', 'had',
                'er', 'maar', 'om', 'hem', 'dan', 'zou', 'of', 'wat', 'mijn', 'men',
                'dit', 'zo', 'door', 'over', 'ze', 'zich', 'bij', 'ook', 'tot', 'je',
                'mij', 'uit', 'der', 'heel', 'nog', 'naar', 'heeft', 'worden', 'kan'
            )),
            count(*) filter (where word in (
                'и', 'в', 'не', 'на', 'я', 'что', 'он', 'с', 'как', 'это', 'по', 'но',
                'они', 'мы', 'все', 'она', 'так', 'его', 'за', 'был', 'от', 'то', 'же',
                'у', 'вы', 'бы', 'о', 'из', 'для', 'мне', 'есть', 'или', 'очень', 'если',
                'только', 'меня', 'было'
            )),
            count(*) filter (where word in (
                'w', 'i', 'z', 'na', 'się', 'nie', 'do', 'to', 'że', 'jest', 'o', 'jak',
                'a', 'po', 'co', 'od', 'za', 'dla', 'tak', 'ale', 'są', 'przez', 'czy',
                'może', 'tym', 'jej', 'już', 'był', 'było', 'być', 'tego', 'tylko',
                'bardzo', 'ma', 'które', 'ze', 'mnie', 'oraz'
            )),
            count(*) filter (where word in (
                've', 'bir', 'bu', 'da', 'de', 'için', 'çok', 'ile', 'ne', 'o', 'ama',
                'gibi', 'daha', 'kadar', 'var', 'en', 'sonra', 'olarak', 'ben', 'mi',
                'değil', 'her', 'olan', 'ki', 'ya', 'şey', 'diye', 'bana', 'oldu',
                'olduğu', 'ancak', 'iyi'
            )),
            count(*) filter (where word in (
                'och', 'i', 'att', 'det', 'som', 'en', 'på', 'är', 'av', 'för', 'med',
                'den', 'till', 'inte', 'har', 'de', 'om', 'ett', 'han', 'men', 'var',
                'jag', 'sig', 'från', 'vi', 'så', 'kan', 'när', 'nu', 'efter', 'också',
                'hon', 'skulle', 'mycket', 'eller', 'vid', 'mig', 'ska', 'detta'
            )),
            count(*) filter (where word in (
                'og', 'i', 'jeg', 'det', 'at', 'en', 'den', 'til', 'er', 'som', 'på',
                'de', 'med', 'han', 'af', 'for', 'ikke', 'der', 'var', 'mig', 'sig',
                'men', 'et', 'har', 'om', 'vi', 'min', 'havde', 'fra', 'du', 'hun', 'kan',
                'når', 'også', 'efter', 'meget', 'være', 'blev', 'av', 'så', 'meg', 'seg',
                'ett', 'mitt', 'hadde', 'nå', 'over', 'da', 'ved', 'ut', 'etter', 'eller',
                'veldig', 'ble'
            )),
            count(*) filter (where word in (
                'ja', 'on', 'ei', 'se', 'että', 'hän', 'oli', 'joka', 'ovat', 'mutta',
                'kun', 'niin', 'myös', 'tai', 'jos', 'kuin', 'sen', 'en', 'mitä', 'ole',
                'minä', 'sitä', 'olen', 'voi', 'vain', 'mukaan', 'nyt', 'jo', 'ollut',
                'hyvin', 'tämä', 'siitä', 'minun'
            )),
            count(*) filter (where word in (
                'a', 'v', 'na', 'se', 'je', 'že', 'to', 's', 'z', 'do', 'o', 'i', 'pro',
                've', 'by', 'jsem', 'ale', 'si', 'jak', 'k', 'tak', 'co', 'jako', 'po',
                'jsou', 'za', 'byl', 'které', 'kde', 'když', 'není', 'nebo', 'může', 'být'
            )),
            count(*) filter (where word in (
                'și', 'în', 'de', 'la', 'a', 'cu', 'pe', 'nu', 'este', 'un', 'o', 'că',
                'din', 'care', 'pentru', 'se', 'mai', 'sau', 'ce', 'sunt', 'le', 'al',
                'dar', 'fi', 'cel', 'am', 'fost', 'să', 'ai', 'lui', 'după', 'foarte',
                'acest', 'când', 'fără', 'prin'
            )),
            count(*) filter (where word in (
                'a', 'az', 'és', 'hogy', 'nem', 'is', 'egy', 'ez', 'volt', 'csak', 'de',
                'meg', 'mint', 'el', 'már', 'van', 'ki', 'még', 'be', 'azt', 'mi', 'ha',
                'kell', 'lehet', 'nagyon', 'én', 'vagy', 'olyan', 'minden', 'után', 'sem',
                'le', 'fel'
            )),
            count(*) filter (where word in (
                'και', 'το', 'να', 'του', 'η', 'της', 'με', 'που', 'την', 'από', 'για',
                'είναι', 'στο', 'οι', 'τον', 'σε', 'των', 'τα', 'θα', 'δεν', 'ένα', 'μια',
                'τη', 'στην', 'ότι', 'μου', 'πολύ'
            )),
            count(*) filter (where word in (
                'і', 'в', 'не', 'на', 'що', 'я', 'з', 'у', 'та', 'це', 'як', 'до', 'він',
                'але', 'за', 'від', 'так', 'для', 'ми', 'вони', 'вона', 'його', 'по',
                'все', 'бути', 'було', 'ще', 'є', 'про', 'мені', 'чи', 'або', 'дуже',
                'якщо', 'тільки', 'би'
            ))
        ] as hits
        from metrics.words_of(value) as word
    ) as found
$$;

-- The norm of a vector in five digits: vectors of norm 1 differ in further ones.
create function metrics.vector_norm(value double precision[]) returns double precision
language sql immutable parallel safe as $$
    select case
        when norm > 0 and norm < 'infinity' then round(
            norm::numeric, 4 - floor(log(norm))::integer
        )::double precision
        else norm
    end
    from (select sqrt(sum(number * number)) as norm from unnest(value) as number) as summed
$$;

-- Eight numbers of a vector, joined by blanks: each of its numbers is added to one of
-- the eight or taken from it, by the hash of its place (Weinberger and others 2009).
create function metrics.vector_projection(value double precision[]) returns text
language sql immutable parallel safe as $$
    select string_agg(coalesce(total, 0)::text, ' ' order by part)
    from generate_series(0, 7) as part
    left join (
        select
            hashint8extended(place, 34) & 7 as of_part,
            sum(
                case when hashint8extended(place, 34) & 8 = 0 then number else -number end
            ) as total
        from unnest(value) with ordinality as numbers (number, place)
        group by of_part
    ) as totals on part = of_part
    having value is not null
$$;

-- The same of a pgvector, which Postgres takes for an array of reals.
create function metrics.vector_norm(value real[]) returns double precision
language sql immutable parallel safe as $$
    select metrics.vector_norm(value::double precision[])
$$;
create function metrics.vector_projection(value real[]) returns text
language sql immutable parallel safe as $$
    select metrics.vector_projection(value::double precision[])
$$;
