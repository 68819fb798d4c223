"""Names that software gives to its own things: code, queries, keys, schedules; lines as in ``profiling.meanings``."""

__all__ = ["SYSTEMS"]

SYSTEMS = """
    identifier | t | table name; column name; schema name; database name; field name; variable name; parameter name;
        attribute name; property name; key name; setting name; metric name; index name; constraint name; queue name;
        queue; task queue; topic name; bucket name; cluster name; slot; slot name; app label; app name;
        internal name; system name; module name; component; component name; db; schema; field; setting; attribute;
        namespace; catalog; catalog name; app; realm; backend; backend name; storage name; db name; task name;
        job name; config key; setting key; feature name; flag name; plugin name; plugin; stream name;
        namespace name; secret name; routing key; exchange; container name; volume name; step name; stage name;
        hook name; command name; state key; cookie name
    sql | t | sql; sql query; select sql; executed sql; raw sql; sql text; sql statement; compiled sql; query sql;
        sql definition; view definition
    clause | t | clause; predicate; where clause; filter expression; condition expression; sql where; row filter
    expression | t | expression; formula; expr; aggregate expression
    command | t | command; cmd; command line; shell command; cmdline; entrypoint; startup command; exec command
    dotted_path | t | func; callable; handler; import path; dotted path; class path; python path; entry point;
        function; function path; function name; module path; hook; python module; task path; callback function;
        backend path; driver path; backend class
    class_name | t | class name; model class; entity class; content class; java class; resource class
    date_format | t | date format; datetime format; time format; timestamp format; python date format;
        display format
    recurrence | t | rrule; recurrence rule; recurrence; repeat rule; ical rule
    emoji | t | emoji; status emoji; reaction emoji; emoji name
    css | t | css; custom css; stylesheet; style sheet; css code
    container_image | t | docker image; container image; docker img; image ref; image uri; base image; image tag
    template_name | t | template; template name; template file; template path
    log_output | t | log; logs; stdout; stderr; console output; log text; console log; build log; job log;
        log output; output log; task log
    connection_string | t | dsn; connection string; connection uri; database uri; database url; db url; db uri;
        jdbc url; sqlalchemy uri; connection url; broker url
    git_branch | t | branch; git branch; branch name; target branch; source branch; default branch; base branch;
        head branch
    git_url | t | clone uri; clone url; git url; git uri; repo url; repository url; repo uri
    migration | t | down revision; migration id; alembic revision
    provider | t | provider; provider name; auth provider; oauth provider; identity provider; idp; social provider;
        login provider; auth backend; auth source; compute backend; storage backend; extern type; auth type;
        authentication backend; connection type
    scope_list | ta | scopes; oauth scopes; granted scopes; allowed scopes; requested scopes
    group | t | group; group name; user group; group display name
    tag | t | tag; tag name; keyword name
    folder | t | folder name; directory name; dir name
    token_prefix | t | key prefix; token prefix; api key prefix; secret prefix
    cidr | t | cidr; subnet; ip range; network cidr; allowed cidr; cidr block; subnet cidr; ip network;
        network range
    line_number | t | line no; line number; row no; row number; page number; page no
    nesting | n | nested depth; nesting level; tree depth; nesting depth; thread depth; depth level; tree level
    memory_mb | n | ram; memory mb; min ram; max ram; ram mb; mem mb; memory limit mb; swap mb
    permission_code | t | codename; code name; perm; permission code; permission codename; perm codename
    body | t | rendered; markup; raw text; plain text; source text; markdown text; raw content
    json_data | tj | kwargs; args; env vars; environ; input values; output values; input data; output data;
        json schema; session data; request data; user data; event data; http headers; specification; specs;
        manifest; json specs
    type | tn | hash algorithm; hash algo; algo; hash type; vcs; scm; theme; ui theme; color scheme; appearance;
        verb; time unit; period unit; interval unit; duration unit; comparator; comparison operator
    tags | t | flags
    glob | t | glob; filemask; file mask; file pattern; path pattern; include pattern; exclude pattern
    regex | t | match; match regex; name match; url regex
    social_handle* | t | fediverse; gitlab; bluesky; reddit; medium handle
    end | tdn | stopped; stopped at
    confirmed_at | td | applied; applied at
    duration | tnd | lifetime; time to live; validity; validity period
    file_path | t | file; upload; archive file; source file; base path; f path
    url | ta | redirect; forward url; redirect target
    ip_address | t | server address; peer address; client address; source address; bind address; listen address;
        host address; vip address; network address; gateway address; gateway ip; destination address; ip number
    token* | ty | cookie; cookie value; session stamp; passcode
    email* | t | cc; bcc; reply to; mail from; mail to; from address; to address
    uuid | ty | in reply to; aaguid
    flag | tnb | authenticated; readonly; read only
    language_name | t | language name; native name; endonym
    interface | t | interface; network interface; nic; interface name; bind interface
    availability_zone | t | availability zone; az; cached zone; cloud zone
    machine_type | t | flavor; flavor name; instance type; instance size; machine type; vm size; compute flavor
    http_status | n | http code; redirect code
    file_size | n | bytes in; bytes out; bytes sent; bytes received; rx bytes; tx bytes; bytes read; bytes written
    ip_address | t | monitor address; device address; lb address; pool address
    name | t | object repr; object name; display; verbose name; repr
    identifier | t | table; column; dbase; dbname; col name; master table; foreign table; master field; foreign field;
        realm; snmp community
    username* | t | dbuser; db user; database user; smtp user; login user
    password_hash* | ty | dbpass; db pass; db password; passphrase; pin hash
    hostname | t | dbhost; db host; database host; node; server host; smtp host; mail host
    ip_address | t | src ip; dst ip; src addr; dst addr; srcaddr; dstaddr; remote host ip; dns server; dns servers;
        name server ip; ntp server; next hop; nexthop; default gateway; source ip address; nas ip address
    ipv6 | t | address6; ip6; ip6 address; ipv6 addr; ip6 addr; v6 address
    netmask | t | netmask; subnet mask; net mask
    cidr | t | subnet range; network address range; prefix cidr
    ldap_dn | t | dn; base dn; bind dn; search base; group dn; user dn; distinguished name; ldap base
    ldap_filter | t | search filter; ldap filter; user filter; group filter
    mailbox | t | mailbox; imap folder; mail folder
    architecture | t | arch; architecture; cpu arch; cpu architecture
    icon | t | icon; icon name; icon class
    separator | t | separator; delimiter; field separator; decimal point; decimal separator; thousands sep;
        thousands separator; quotechar; quote char; enclosure; csv delimiter
    collation | t | collation; collate; col collation
    affix | t | prefix; suffix; table prefix; number prefix; code prefix; name suffix text
    protocol | t | proto; transport protocol; ip protocol
    mime_type | t | ctype; content mime; mime content type
    regex | t | reg exp; match exp; pattern; search pattern; match expression; validation pattern
    glob | t | file patterns
    http_status | tn | reply code; sip code
    port | tn | dbport; db port; smtp port; snmp port
    group | t | grp; grp name; usergroup; usergroup name
    class_name | t | model class name; content model
    timezone | t | tzid; tz id; olson; olson name; tzname
    digits | t | numeric code; code numeric; iso numeric; iso 3166 1 numeric
    country_code | t | iso 3166 1 a 2; iso 3166 1 a 3; iso 3166 1 alpha 2; iso 3166 1 alpha 3; iso a 2; iso a 3
    address_line_2* | t | line 3; line 4; address 3; address 4; address line 4
    order_date | td | date placed; placed at; placed on; date ordered
    font_size | n | font size; text size; fontsize
    file_size | n | disk space; diskspace; used space; free space; total space; storage used; disk quota; quota bytes
    percentage | n | cpu load; load average; load avg; percent state change; swap usage
    microsecond | n | usec; microsecond; microseconds; start time usec; end time usec
    last_login | td | last check; last fail; last failure; last failed; last sent; last notification; last run time;
        last poll;
        last state change; last hard state change; last checkin; last checkin time; last check time; last backup;
        last scan
    scheduled_at | td | next check; next notification; next start; next call; next update; next backup; next scan;
        next attempt; next retry; next sync; next execution
    start | td | start date time; start datetime; dtstart; begin date time; connect time; connected at; login time;
        login at; logged in at; logged in; queued at; enqueued at; check in time; clock in
    end | td | end date time; end datetime; dtend; finish date time; disconnect time; disconnected at; logout time;
        logout at; logged out at; logged out; dequeued at; check out time; clock out
    cancelled_at | td | cancel time; cancellation time
    ship_date | td | send time; sent time; dispatch time
    deleted_at | td | deletion time; delete time; deletion date; removal date; remove time; removal time
    created_at | td | dtstamp; entry time; insert time; inserted time; comment time; date of creation
    updated_at | td | modify time; change time; changed; lastchange; lastmod; last mod; last modification;
        modification time; last change time; update date time; changed on; changed date
    xml_text | t | xml; xml data; xml text; xml content; xml body; config xml
    file_extension | t | template extension; report extension; output extension; source extension
"""
