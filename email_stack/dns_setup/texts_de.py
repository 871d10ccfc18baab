"""The German texts."""

from __future__ import annotations

from typing import Final

from constructs_lib.records import Purpose
from email_stack.dns_setup.wording import Texts
from email_stack.dnscheck.model import Status

__all__ = ["GERMAN"]

GERMAN: Final = Texts(
    ui={
        "action": "Was zu tun ist",
        "also_read": "In lesbarer Form",
        "as_expected": "wie erwartet",
        "checked_at": "Geprüft",
        "copied": "Kopiert: {what}",
        "copy": "Kopieren",
        "copy_failed": "Ihr Browser hat das Kopieren nicht erlaubt. Bitte markieren und kopieren Sie den Text selbst.",
        "copy_zone_file": "Alles als Zonendatei kopieren",
        "cut_left": "Entfernen Sie die NS-Einträge von {name} aus der Zone {parent}: Sie delegieren den Namen an {servers}, wo "
        "Anfragen danach keine Antwort bekommen, und verdecken jeden Eintrag an und unter ihm.",
        "cut_served": "Die Zone {parent} delegiert {name} an {servers}. Legen Sie die Einträge für {name} und darunter dort an, in "
        "der Zone {name}, oder entfernen Sie die NS-Einträge von {name} aus {parent} und legen Sie die Einträge in {parent} an.",
        "delegated_intro": "Ein NS-Eintrag in der Zone {zone} übergibt {subdomain} an unsere Nameserver. Alle Einträge, die "
        "E-Mail dort braucht, pflegen danach wir; Sie haben damit keine weitere Arbeit.",
        "finding_details": "Im Einzelnen",
        "fix_behind": "Dieser Name führt durch einen CNAME zu {name}, und andere Einträge brauchen ihn. Behalten Sie "
        "den CNAME und legen Sie diesen Eintrag unter {name} an.",
        "fix_cut": "Legen Sie diesen Eintrag in der Zone {name} an, die Ihre Zone delegiert: In Ihrer eigenen Zone hätte er "
        "keine Wirkung.",
        "fix_delegated_away": "Legen Sie diesen Eintrag an oder behalten Sie ihn, und entfernen Sie die NS-Einträge von {name}, "
        "die ihn verdecken.",
        "fix_found": "Ein solcher Eintrag steht unter {name} mit dem Typ {type}. Legen Sie ihn stattdessen mit Namen, "
        "Typ und Wert an, wie sie hier stehen, und löschen Sie den anderen, wenn {name} ihn nicht selbst "
        "braucht.",
        "fix_spf": "Behalten Sie den vorhandenen SPF-Eintrag und ändern Sie ihn so, dass er auch erlaubt, was der "
        "hier gezeigte erlaubt, und auf ~all oder -all endet.",
        "footer": "Die Einträge werden gebraucht, solange E-Mail von {subdomain} verschickt wird. Bitte entfernen Sie sie nicht.",
        "full_name": "Vollständiger Name",
        "identity": "Domain",
        "dkim": "DKIM-Signatur",
        "in_place": "{done} von {total} erforderlichen Einträgen sind vorhanden",
        "in_zone_of": "Für die Zone, zu der {zone} gehört",
        "kept": "Vorhanden über {via}: Bitte lassen Sie das so.",
        "language": "Sprache",
        "long_txt": "Länger als 255 Zeichen: bitte als einen Wert einfügen. Lehnt Ihre Oberfläche das ab, nehmen Sie die "
        "Zonendatei unten; dort ist der Wert so geteilt, wie DNS es verlangt.",
        "mail_from": "Domain für Rückläufer (MAIL FROM)",
        "mail_server": "Mailserver",
        "mx_hint": "Gibt es nur ein Feld, tragen Sie {value} ein.",
        "name": "Name",
        "name_server": "Nameserver {number}",
        "named_above": "Nennen Sie für {zone} dieselben Nameserver in der Zone {parent}, über Ihren Registrar, und in {zone} "
        "selbst: Nur {parent} nennt {servers}.",
        "named_inside": "Nennen Sie für {zone} dieselben Nameserver in der Zone {parent}, über Ihren Registrar, und in {zone} "
        "selbst: Nur {zone} nennt {servers}.",
        "no_answer": "kein solcher Eintrag",
        "not_checked": "Noch nicht geprüft",
        "not_checked_text": "Diese Einträge wurden noch nicht geprüft.",
        "note": "Gut zu wissen",
        "optional": "Freiwillig",
        "optional_heading": "Freiwillige Einträge",
        "optional_intro": "E-Mail funktioniert ohne diese Einträge, mit ihnen aber besser.",
        "outside_heading": "Einträge für andere Zonen",
        "outside_intro": "Diese Einträge gehören nicht in {zone}, sondern in die Zone der Domain, die jeweils darüber genannt "
        "ist; anlegen muss sie, wer diese Zone verwaltet.",
        "priority": "Priorität",
        "purpose": "Zweck",
        "record": "Eintrag {number}",
        "records_heading": "Einträge, die anzulegen sind",
        "resolver": "öffentlicher Resolver",
        "seen": "Was wir gesehen haben",
        "self_managed_intro": "Ihr DNS bleibt bei Ihnen. Mit den {count} Einträgen unten in der Zone {zone} können wir E-Mail "
        "für {subdomain} verschicken und empfangen.",
        "ses_heading": "Was Amazon SES meldet",
        "ses_intro": "Amazon SES, das die Mail verschickt und empfängt, prüft dieselben Einträge selbst.",
        "skip": "Zu den Einträgen springen",
        "state": "Stand",
        "status_heading": "Aktueller Stand",
        "steps_heading": "Was zu tun ist",
        "subdomain": "Subdomain",
        "tenant": "Kundenkennung",
        "title": "DNS-Einträge für {subdomain}",
        "ttl": "TTL",
        "type": "Typ",
        "value": "Wert",
        "zone": "Zone",
        "zone_file_heading": "Alle Einträge als Zonendatei",
        "zone_file_intro": "Für Nameserver, die Zonendateien lesen, und Oberflächen, die sie einlesen. Die Namen sind absolut.",
    },
    steps_delegated=(
        "Melden Sie sich dort an, wo das DNS von {zone} verwaltet wird.",
        "Legen Sie den NS-Eintrag unten an, mit allen {count} Nameservern. Viele Oberflächen hängen {zone} selbst an den "
        "Namen an: Tragen Sie dort nur den kurzen Namen {host} ein. Entfernen Sie andere NS-Einträge desselben Namens.",
        "Lassen Sie die Nameserver von {zone} selbst, wie sie sind, in der Zone und beim Registrar: Unsere bedienen nur "
        "{subdomain}; stünden sie bei {zone}, wären deren Website und E-Mail nicht mehr erreichbar.",
        "Verschieben oder löschen Sie andere Einträge unter {subdomain}: Sobald die Delegation steht, sind sie "
        "nicht mehr sichtbar.",
        "Ist {zone} mit DNSSEC signiert, legen Sie für {subdomain} keinen DS-Eintrag an, außer wir senden Ihnen einen.",
        "Geben Sie uns Bescheid. Wir prüfen die Delegation und legen alles Weitere an; von Ihnen brauchen wir dann nichts mehr.",
    ),
    steps_self_managed=(
        "Melden Sie sich dort an, wo das DNS von {zone} verwaltet wird.",
        "Legen Sie die {count} Einträge unten an. Viele Oberflächen hängen {zone} selbst an den Namen an: Tragen Sie dort nur "
        "den kurzen Namen ein. Verlangt Ihre den vollständigen, nehmen Sie diesen, wenn nötig mit einem Punkt am Ende.",
        "Fügen Sie jeden Wert ganz ein, ohne Zeilenumbruch, und TXT-Werte ohne Anführungszeichen, außer Ihre "
        "Oberfläche verlangt sie.",
        "Ersetzen Sie, was schon da ist: Ein Name darf nur einen SPF-Eintrag (v=spf1) und nur einen DMARC-Eintrag (v=DMARC1) "
        "haben, und neben einem CNAME nichts anderes. Ein MX-Eintrag eines anderen Maildienstes nähme einen Teil der Mail weg.",
        "Bietet Ihr DNS-Dienst einen Proxy für CNAME-Einträge an, schalten Sie ihn für diese aus (nur DNS).",
        "Geben Sie uns Bescheid. Wir prüfen jeden Eintrag; bis Änderungen überall sichtbar sind, kann eine Stunde vergehen.",
    ),
    purposes={
        Purpose.DELEGATION: "Delegation",
        Purpose.DKIM: "DKIM-Signatur",
        Purpose.DMARC: "DMARC-Richtlinie",
        Purpose.DMARC_REPORTS: "Erlaubnis für DMARC-Berichte",
        Purpose.INBOUND: "Eingehende Mail",
        Purpose.MAIL_FROM: "Rückläufer",
        Purpose.MTA_STS: "Verschlüsselte Zustellung (MTA-STS)",
        Purpose.OWNERSHIP: "Nachweis der Inhaberschaft",
        Purpose.PORTAL: "Kundenportal",
        Purpose.SPF: "SPF: erlaubte Absender",
        Purpose.TLS_REPORTS: "Berichte über Verschlüsselung",
        Purpose.TRACKING: "Bild in Mails",
    },
    purpose_sentences={
        Purpose.DELEGATION: "Übergibt die Subdomain an unsere Nameserver, die dann für alles unter ihr antworten.",
        Purpose.DKIM: "Zeigt Empfängern den Schlüssel, mit dem sie unsere Signatur prüfen. Hinter diesem Namen wird der "
        "Schlüssel von Zeit zu Zeit gewechselt, ohne Arbeit für Sie.",
        Purpose.DMARC: "Sagt Empfängern, wie sie mit Mail umgehen sollen, die nur vorgibt, von dieser Subdomain zu kommen.",
        Purpose.DMARC_REPORTS: "Erlaubt Empfängern, ihre Berichte über diese Subdomain an eine Adresse einer "
        "anderen Domain zu senden.",
        Purpose.INBOUND: "Leitet Mail an Adressen dieser Subdomain zu unseren Servern.",
        Purpose.MAIL_FROM: "Nimmt Nachrichten zurück, die nicht zugestellt werden konnten.",
        Purpose.MTA_STS: "Sagt Absendern, dass sie nur über eine verschlüsselte Verbindung zustellen sollen.",
        Purpose.OWNERSHIP: "Zeigt, dass die Subdomain der Organisation gehört, die sie angemeldet hat.",
        Purpose.PORTAL: "Führt zum Kundenportal unter der Subdomain selbst.",
        Purpose.SPF: "Nennt die Server, die unter diesem Namen Mail verschicken dürfen.",
        Purpose.TLS_REPORTS: "Bittet Absender zu melden, wenn die Verschlüsselung nicht gelang.",
        Purpose.TRACKING: "Lässt das Bild, das vom Öffnen einer Mail erzählt, Ihren eigenen Namen tragen statt den von Amazon.",
    },
    status_words={
        Status.OK: "Vorhanden",
        Status.PENDING: "Verbreitet sich",
        Status.NOT_EVERYWHERE: "Nicht bei jedem Anbieter",
        Status.SERVERS_DIFFER: "Nameserver verschieden",
        Status.MISSING: "Fehlt",
        Status.WRONG: "Falscher Wert",
        Status.EXTRA: "Zu viele Werte",
        Status.DOUBLED_NAME: "Name verdoppelt",
        Status.SPLIT_WRONG: "Wert falsch geteilt",
        Status.CNAME_CONFLICT: "CNAME im Weg",
        Status.DUPLICATE_SPF: "Zwei SPF-Einträge",
        Status.DUPLICATE_DMARC: "Zwei DMARC-Einträge",
        Status.TOO_MANY_LOOKUPS: "Zu viele SPF-Abfragen",
        Status.DELEGATION_MISSING: "Noch nicht delegiert",
        Status.DELEGATION_PARTIAL: "Nameserver unvollständig",
        Status.WRONG_LEVEL: "Nameserver bei der falschen Domain",
        Status.DELEGATED_AWAY: "Von einer Delegation verdeckt",
        Status.LAME: "Nameserver antwortet nicht",
        Status.DNSSEC_BOGUS: "DNSSEC-Signatur ungültig",
        Status.UNREACHABLE: "Kein Server antwortete",
    },
    status_fixes={
        Status.OK: "",
        Status.PENDING: "Nichts zu tun: Der Eintrag ist richtig und verbreitet sich noch. Bitte warten Sie, bis "
        "seine TTL abgelaufen ist.",
        Status.NOT_EVERYWHERE: "Einige Nameserver Ihrer Zone haben diesen Eintrag nicht und bekommen ihn nicht von selbst: Legen "
        "Sie ihn bei jedem Ihrer DNS-Anbieter an, oder entfernen Sie Nameserver, die Sie nicht mehr nutzen, in der Zone und beim "
        "Registrar.",
        Status.SERVERS_DIFFER: "Nennen Sie beim Registrar und in der Zone selbst dieselben Nameserver.",
        Status.MISSING: "Legen Sie diesen Eintrag mit Namen, Typ und Wert an, wie sie hier stehen.",
        Status.WRONG: "Ersetzen Sie den jetzigen Wert durch den, der hier steht.",
        Status.EXTRA: "Entfernen Sie die anderen Werte dieses Namens und behalten Sie nur, was hier steht.",
        Status.DOUBLED_NAME: "Ihre Oberfläche hängt die Zone selbst an: Tragen Sie nur den kurzen Namen ein, und löschen Sie den "
        "Eintrag, dessen Name zweimal auf die Zone endet.",
        Status.SPLIT_WRONG: "Tragen Sie den Wert neu in einem Stück ein oder teilen Sie ihn genau wie in der Zonendatei, ohne ein "
        "Leerzeichen zu verlieren oder hinzuzufügen.",
        Status.CNAME_CONFLICT: "Löschen Sie den CNAME-Eintrag dieses Namens und legen Sie dann den Eintrag an, der hier steht.",
        Status.DUPLICATE_SPF: "Behalten Sie unter diesem Namen nur einen Eintrag, der mit v=spf1 beginnt: Alles, was er erlauben "
        "muss, gehört in diesen einen.",
        Status.DUPLICATE_DMARC: "Behalten Sie nur den Eintrag mit v=DMARC1, der hier steht; löschen Sie den anderen.",
        Status.TOO_MANY_LOOKUPS: "Entfernen Sie aus dem SPF-Eintrag, was nicht mehr gebraucht wird: Erlaubt sind höchstens 10 "
        "Abfragen, davon höchstens 2 ohne Antwort.",
        Status.DELEGATION_MISSING: "Legen Sie den NS-Eintrag mit allen Nameservern an, die hier stehen.",
        Status.DELEGATION_PARTIAL: "Ergänzen Sie die fehlenden Nameserver im NS-Eintrag, so dass er alle "
        "enthält, die hier stehen, und keine anderen.",
        Status.WRONG_LEVEL: "Nehmen Sie unsere Nameserver aus den NS-Einträgen der übergeordneten Domain, in deren Zone und beim "
        "Registrar, und tragen Sie dort deren eigene wieder ein: Nur der NS-Eintrag hier nennt unsere. Bis dahin sind Website und "
        "E-Mail der Domain nicht oder nur zeitweise erreichbar.",
        Status.DELEGATED_AWAY: "Entfernen Sie die NS-Einträge, die diesen Namen wegdelegieren: Sie verdecken jeden Eintrag "
        "unter ihm.",
        Status.LAME: "Vergleichen Sie den NS-Eintrag mit dem hier und entfernen Sie Server, die hier nicht stehen; ist er gleich, "
        "geben Sie uns bitte Bescheid.",
        Status.DNSSEC_BOGUS: "Entfernen Sie den DS-Eintrag dieses Namens oder signieren Sie die Zone neu: Bis dahin verwerfen "
        "prüfende Resolver jede Antwort.",
        Status.UNREACHABLE: "Stellen Sie sicher, dass die Nameserver Ihrer Zone aus dem Internet antworten, über "
        "UDP und TCP, Port 53.",
    },
    overall={
        Status.OK: "Alles ist vorhanden. Es ist nichts mehr zu tun.",
        Status.PENDING: "Fast fertig: Was gebraucht wird, ist eingetragen und muss noch überall sichtbar werden.",
        Status.WRONG: "Es ist noch etwas zu tun: Was, steht unten bei jedem Eintrag.",
    },
    ses_words={
        "SUCCESS": "bestätigt",
        "PENDING": "wartet auf die Einträge",
        "TEMPORARY_FAILURE": "zurzeit nicht sichtbar; SES versucht es selbst erneut",
        "FAILED": "nicht rechtzeitig gefunden; wir starten die Prüfung neu",
        "NOT_STARTED": "nicht begonnen",
    },
)
