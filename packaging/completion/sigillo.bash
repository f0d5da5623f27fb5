# SPDX-License-Identifier: Apache-2.0
# bash completion of sigillo

_sigillo()
{
    local cur prev verb words
    cur=${COMP_WORDS[COMP_CWORD]}
    prev=${COMP_WORDS[COMP_CWORD-1]}
    COMPREPLY=()

    case $prev in
    --admin-socket|--attach|--ca|--certificate|--config|--html|--key|--out|--text|--trust-anchor)
        COMPREPLY=($(compgen -f -- "$cur"))
        return
        ;;
    --state|--state-dir)
        COMPREPLY=($(compgen -d -- "$cur"))
        return
        ;;
    --canon)
        COMPREPLY=($(compgen -W "relaxed/relaxed relaxed/simple simple/relaxed simple/simple" -- "$cur"))
        return
        ;;
    --type)
        COMPREPLY=($(compgen -W "rsa-2048 rsa-4096 ed25519" -- "$cur"))
        return
        ;;
    --m365)
        COMPREPLY=($(compgen -W "worldwide gcc gcchigh dod 21vianet" -- "$cur"))
        return
        ;;
    --which)
        COMPREPLY=($(compgen -W "primary secondary" -- "$cur"))
        return
        ;;
    --policy)
        COMPREPLY=($(compgen -W "hard soft neutral" -- "$cur"))
        return
        ;;
    --rules)
        COMPREPLY=($(compgen -W "rfc9989 rfc7489" -- "$cur"))
        return
        ;;
    --format)
        COMPREPLY=($(compgen -W "table zone nsupdate json" -- "$cur"))
        return
        ;;
    esac

    if ((COMP_CWORD == 1)); then
        COMPREPLY=($(compgen -W "init serve status subscription profile domain credential key app local account sender group policy route suppression reputation send queue trace report spf dkim arc check tls tls-policy milter verify dmarc bounce tlsrpt advise help --version --help" -- "$cur"))
        return
    fi
    verb=${COMP_WORDS[1]}
    if ((COMP_CWORD == 2)) && [[ $cur != -* ]]; then
        case $verb in
        subscription) words="add list show set" ;;
        profile) words="list" ;;
        report) words="usage audit guard transit tls dmarc reputation" ;;
        domain) words="add list show records verify coach park set publish rotate mta-sts remove" ;;
        credential) words="add list set remove" ;;
        key) words="add list show set rotate remove" ;;
        app) words="add list show set secret federate remove" ;;
        local) words="add list show set remove" ;;
        account) words="add list show set remove" ;;
        sender) words="add list remove" ;;
        group) words="add list show set remove" ;;
        policy) words="add list remove test" ;;
        route) words="add list show set remove test" ;;
        suppression) words="add list remove import export" ;;
        queue) words="list show retry cancel hold release" ;;
        reputation) words="forget" ;;
        spf) words="check tree build" ;;
        dkim) words="keygen sign verify" ;;
        arc) words="verify seal" ;;
        dmarc) words="check report sent take" ;;
        milter) words="import" ;;
        tls) words="check records next-key" ;;
        tlsrpt) words="report sent take" ;;
        help) words="init serve status subscription profile domain credential key app local account sender group policy route suppression reputation send queue trace report spf dkim arc check tls tls-policy milter verify dmarc bounce tlsrpt advise" ;;
        *) words="" ;;
        esac
        COMPREPLY=($(compgen -W "$words" -- "$cur"))
        return
    fi
    case "$verb ${COMP_WORDS[2]}" in
    "init "*) words="--config --state-dir --admin-socket --hostname --user --certificate --key --server --json --help" ;;
    "status "*) words="--server --json --help" ;;
    "serve "*) words="--config --check --help" ;;
    "subscription add") words="--profile --server --json --help" ;;
    "subscription list") words="--server --json --help" ;;
    "subscription show") words="--server --json --help" ;;
    "subscription set") words="--profile --server --json --help" ;;
    "profile list") words="--server --json --help" ;;
    "report audit") words="--since --by --object --action --subscription --csv --server --json --help" ;;
    "report guard") words="--domain --subscription --server --json --help" ;;
    "report transit") words="--since --until --by --top --subscription --csv --chart --no-chart --server --json --help" ;;
    "report reputation") words="--by --top --csv --server --json --help" ;;
    "reputation forget") words="--server --json --help" ;;
    "report usage") words="--since --subscription --server --json --help" ;;
    "domain add") words="--subscription --ed25519 --managed --return-path --server --json --help" ;;
    "domain list") words="--server --json --help" ;;
    "domain show") words="--server --json --help" ;;
    "domain records") words="--format --zone --nsupdate --check --server --json --help" ;;
    "domain verify") words="--wait --wait-max --server --json --help" ;;
    "domain coach") words="--server --json --help" ;;
    "domain park") words="--subscription --server --json --help" ;;
    "domain set") words="--tls --incoming --bounces --server --json --help" ;;
    "domain publish") words="--dry-run --replace --server --json --help" ;;
    "domain mta-sts") words="--mode --mx --look --max-age --forget --server --json --help" ;;
    "domain rotate") words="--now --status --cancel --server --json --help" ;;
    "domain remove") words="--withdraw --server --json --help" ;;
    "credential add") words="--domain --password-stdin --subscription --server --json --help" ;;
    "credential list") words="--server --json --help" ;;
    "credential set") words="--domain --password-stdin --new-password --profile --server --json --help" ;;
    "credential remove") words="--server --json --help" ;;
    "key add") words="--domain --label --scope --role --admin --subscription --server --json --help" ;;
    "key list") words="--server --json --help" ;;
    "key show") words="--server --json --help" ;;
    "key set") words="--domain --label --scope --profile --server --json --help" ;;
    "key rotate") words="--which --server --json --help" ;;
    "key remove") words="--server --json --help" ;;
    "app add") words="--domain --label --role --expires --no-secret --subscription --server --json --help" ;;
    "app list") words="--server --json --help" ;;
    "app show") words="--server --json --help" ;;
    "app set") words="--domain --label --profile --server --json --help" ;;
    "app secret") words="--expires --remove --server --json --help" ;;
    "app federate") words="--issuer --subject --audience --reusable --remove --server --json --help" ;;
    "app remove") words="--server --json --help" ;;
    "local add") words="--uid --user --domain --subscription --server --json --help" ;;
    "local list") words="--server --json --help" ;;
    "local show") words="--server --json --help" ;;
    "local set") words="--domain --profile --server --json --help" ;;
    "local remove") words="--server --json --help" ;;
    "account add") words="--name --address --password-stdin --basic --oauth --allow-app --subscription --server --json --help" ;;
    "account list") words="--server --json --help" ;;
    "account show") words="--server --json --help" ;;
    "account set") words="--name --basic --oauth --allow-app --forbid-app --password-stdin --new-password --profile --server --json --help" ;;
    "account remove") words="--server --json --help" ;;
    "sender add") words="--app --identity --subscription --server --json --help" ;;
    "sender list") words="--server --json --help" ;;
    "sender remove") words="--app --identity --server --json --help" ;;
    "group add") words="--member --members --description --subscription --server --json --help" ;;
    "group list") words="--server --json --help" ;;
    "group show") words="--subscription --server --json --help" ;;
    "group set") words="--member --drop --members --description --subscription --server --json --help" ;;
    "group remove") words="--subscription --server --json --help" ;;
    "policy add") words="--app --identity --allow --deny --senders --description --subscription --server --json --help" ;;
    "policy list") words="--server --json --help" ;;
    "policy remove") words="--server --json --help" ;;
    "policy test") words="--app --identity --sender --server --json --help" ;;
    "route add") words="--lmtp --smtp --webhook --forward --handle --junk --ask --subscription --server --json --help" ;;
    "route list") words="--server --json --help" ;;
    "route show") words="--server --json --help" ;;
    "route set") words="--lmtp --smtp --webhook --forward --handle --junk --ask --no-ask --new-secret --server --json --help" ;;
    "route remove") words="--server --json --help" ;;
    "route test") words="--server --json --help" ;;
    "suppression add") words="--subscription --domain --reason --reply --expires --case-sensitive --any-case --server --json --help" ;;
    "suppression list") words="--subscription --domain --server --json --help" ;;
    "suppression remove") words="--subscription --domain --server --json --help" ;;
    "suppression import") words="--subscription --domain --reason --reply --expires --case-sensitive --any-case --server --json --help" ;;
    "suppression export") words="--subscription --domain --server --json --help" ;;
    "send "*) words="--from --to --cc --bcc --reply-to --subject --text --html --attach --list --tls --wait --timeout --server --json --help" ;;
    "queue list") words="--domain --to --from --since --max --server --json --help" ;;
    "queue show") words="--server --json --help" ;;
    "queue retry") words="--recipient --domain --server --json --help" ;;
    "queue cancel") words="--recipient --domain --server --json --help" ;;
    "queue hold") words="--recipient --domain --server --json --help" ;;
    "queue release") words="--recipient --domain --server --json --help" ;;
    "spf check") words="--ip --from --helo --receiver --resolver --trust-anchor --timeout --now --json --help" ;;
    "spf tree") words="--resolver --trust-anchor --timeout --now --json --help" ;;
    "spf build") words="--m365 --ip --include --subdomain --policy --parked --existing --offline --resolver --trust-anchor --timeout --now --json --help" ;;
    "dkim keygen") words="--type --domain --selector --out --json --help" ;;
    "dkim sign") words="--domain --selector --key --canon --headers --expire --now --json --help" ;;
    "dkim verify") words="--allow-length --resolver --trust-anchor --timeout --now --json --help" ;;
    "bounce parse") words="--json --help" ;;
    "tlsrpt report") words="--json --help" ;;
    "tlsrpt sent") words="--since --domain --server --json --help" ;;
    "tlsrpt take") words="--server --json --help" ;;
    "report tls") words="--since --domain --subscription --server --json --help" ;;
    "dmarc sent") words="--since --domain --server --json --help" ;;
    "dmarc take") words="--server --json --help" ;;
    "report dmarc") words="--domain --since --until --by --top --subscription --csv --no-chart --server --json --help" ;;
    "dmarc report") words="--top --csv --json --help" ;;
    "dmarc check") words="--from-domain --spf --dkim --rules --resolver --trust-anchor --timeout --now --json --help" ;;
    "verify "*) words="--ip --helo --from --authserv-id --trust-sealer --rules --resolver --trust-anchor --timeout --now --json --help" ;;
    "trace "*) words="--to --from --since --max --server --json --help" ;;
    "arc verify") words="--resolver --trust-anchor --timeout --now --json --help" ;;
    "arc seal") words="--domain --selector --key --authserv-id --headers --resolver --trust-anchor --timeout --now --json --help" ;;
    "tls records") words="--format --server --json --help" ;;
    "tls next-key") words="--out --type --json --help" ;;
    "tls check") words="--port --no-connect --helo --ca --resolver --trust-anchor --timeout --now --json --help" ;;
    "milter import") words="--opendkim --opendmarc --out --json --help" ;;
    "milter "*) words="--config --check --json --help" ;;
    "tls-policy "*) words="--listen --state --dane --ca --resolver --trust-anchor --timeout --allow-loopback --json --help" ;;
    "check "*) words="--selector --bimi-selector --no-https --ca --resolver --trust-anchor --timeout --now --json --help" ;;
    "advise "*) words="--what --to --per-day --by --login --want --domain --name --issuer --subject --licences --json --help" ;;
    *) words="--help" ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _sigillo sigillo
