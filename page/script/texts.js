// All texts of the page: name, English, German. {1} and {2} are put in; a name with + is what to do about it.
const TEXTS = `
title|Steel strip inspection|Prüfung von Bandstahl
connecting|Connecting|Verbindung wird aufgebaut
connected|Connected|Verbunden
offline|No connection, trying again|Keine Verbindung, neuer Versuch läuft
busy|Busy, slowing down|Ausgelastet, es geht langsamer
signed-out|Not signed in|Nicht angemeldet
no-model|The service has no model yet|Der Dienst hat noch kein Modell
odd-service|The service does not answer as it should|Der Dienst antwortet nicht, wie er soll
sign-in|Sign in|Anmelden
token|Token|Token
keys|Keys|Tasten
totals|Totals|Summen
totals-each|Totals; each shows only its pictures|Summen; jede zeigt nur ihre Bilder
all|ALL|ALLE
pass|PASS|GUT
review|REVIEW|PRÜFEN
reject|REJECT|SPERREN
failed|FAILED|OFFEN
waiting|WAITING|WARTET
sending|SCORING|LÄUFT
add|Add pictures of steel strip|Bilder von Bandstahl hinzufügen
drop|Drop pictures of steel strip here|Bilder von Bandstahl hierher ziehen
choose|Choose pictures|Bilder wählen
choose-folder|Choose a folder|Ordner wählen
no-pictures|{1} in the folder left out: no pictures by their names|{1} im Ordner ausgelassen: dem Namen nach keine Bilder
file|file|Datei
files|files|Dateien
down|No connection to the service. Pictures and decisions wait here, and go on by themselves when it is back.|Keine Verbindung zum Dienst. Bilder und Entscheidungen warten hier und gehen von selbst weiter, sobald sie wieder da ist.
signed-out+|Not signed in: pictures and decisions wait.|Nicht angemeldet: Bilder und Entscheidungen warten.
camera-https|Browsers give a page the camera only over HTTPS (or on the computer of the service itself). Choose pictures instead, or ask for an address with https.|Browser geben einer Seite die Kamera nur über HTTPS (oder auf dem Rechner des Dienstes selbst). Wählen Sie Bilder, oder fragen Sie nach einer Adresse mit https.
use-camera|Use the camera|Kamera benutzen
paste|or paste them. JPEG, PNG, WebP, BMP and TIFF; folders too.|oder einfügen. JPEG, PNG, WebP, BMP und TIFF; auch Ordner.
more|Each picture is judged as it arrives: PASS, REJECT, or REVIEW where you should look yourself.|Jedes Bild wird sofort beurteilt: GUT, SPERREN, oder PRÜFEN, wo Sie selbst hinsehen sollen.
picture|picture|Bild
list|Pictures|Bilder
pictures|pictures|Bilder
camera|Camera|Kamera
progress|Pictures scored|Beurteilte Bilder
threshold|Threshold|Schwelle
own|Model's own|Wie im Modell
tools|Threshold, search, report|Schwelle, Suche, Bericht
sort|Sort|Ordnen
arrival|oldest first|älteste zuerst
newest|newest first|neueste zuerst
defect-first|defects first|Fehler zuerst
doubt|doubtful first|zweifelhafte zuerst
by-name|by name|nach Namen
name|Name|Name
class|Class|Klasse
any|any|alle
where|Show where|Stelle zeigen
legend|What becomes of a probability|Was aus einer Wahrscheinlichkeit wird
below|below|unter
from|from|ab
clear|New shift|Neue Schicht
shift|Shift|Schicht
name-shift|Name this shift|Schicht benennen
no-name|without a name|ohne Namen
coil|Coil or shift|Coil oder Schicht
operator|Operator|Prüfer
kept|All of a shift (pictures, results, decisions, notes, names) is kept in this browser on this computer until you delete it here; whoever uses this browser can see it.|Alles einer Schicht (Bilder, Ergebnisse, Entscheidungen, Notizen, Namen) bleibt in diesem Browser auf diesem Rechner, bis Sie es hier löschen; wer diesen Browser benutzt, kann es sehen.
not-kept|This browser has no room, or may keep nothing: export before you close the page.|Dieser Browser hat keinen Platz oder darf nichts behalten: exportieren Sie, bevor Sie die Seite schließen.
past|Shifts before|Frühere Schichten
no-past|None is kept.|Keine vorhanden.
open|Open|Öffnen
delete|Delete|Löschen
sure-delete|Delete this shift with its pictures and decisions? {1}|Diese Schicht mit Bildern und Entscheidungen löschen? {1}
delete-all|Delete all shifts|Alle Schichten löschen
sure-all|Delete all shifts that this browser keeps, also this one?|Alle Schichten in diesem Browser löschen, auch diese?
there-already|{1} left out, there already: {2}|{1} ausgelassen, schon vorhanden: {2}
same-picture|{1} left out, the very same as one before: {2} (as {3}). Does the camera stand still?|{1} ausgelassen, genau gleich wie ein früheres: {2} (wie {3}). Steht die Kamera?
came-times|came {1} times|{1}-mal gekommen
remove|Remove|Entfernen
remove-it|Remove {1}|{1} entfernen
removed|{1} removed|{1} entfernt
prune|Remove failed|Offene entfernen
note|Note|Notiz
report|Report|Bericht
report-title|Report of the shift|Bericht der Schicht
print|Print|Drucken
when|When|Wann
model|Model|Modell
decides|Threshold|Schwelle
decided-by|Decisions|Entscheidungen
moved|moved by the operator|vom Prüfer verstellt
share|Share|Anteil
by-operator|By the operator|Durch Prüfer
by-model|By the model|Durch Modell
still|Not finished: {1} still to decide or to score|Nicht fertig: {1} noch zu entscheiden oder zu beurteilen
all-done|All pictures are judged and decided|Alle Bilder sind beurteilt und entschieden
histogram|Pictures by probability of a defect; shaded: review|Bilder nach Fehlerwahrscheinlichkeit; schattiert: prüfen
worst|Worst pictures|Schlechteste Bilder
printed|{1}, {2}|{1}, {2}
blind|{1} cannot be shown here, so it cannot be passed|{1} ist hier nicht zu sehen und kann deshalb nicht auf GUT gesetzt werden
decision|decision|Entscheidung
decisions|decisions|Entscheidungen
unsent|Still to be sent to the service: {1}|Noch nicht beim Dienst: {1}
unsent-unnamed|Not sent before the operator is named (Name this shift): {1}|Nicht gesendet, bis der Prüfer benannt ist (Schicht benennen): {1}
word-refused|{1}: the service did not take the decision. {2}|{1}: Der Dienst hat die Entscheidung nicht angenommen. {2}
keys-line|N next to review;A accept;O overrule;U undo;Enter enlarge;? all keys|N nächstes zu prüfen;A annehmen;O ändern;U rückgängig;Enter groß;? alle Tasten
none|No picture of this kind.|Kein solches Bild.
back|Back|Zurück
next|Next|Weiter
previous|Previous|Voriges
page|{1} to {2} of {3}|{1} bis {2} von {3}
no-model-yet|No model known yet|Noch kein Modell bekannt
docs|Interface for programs|Schnittstelle für Programme
privacy|Pictures go to this service only. The shift is kept in this browser until you delete it.|Bilder gehen nur an diesen Dienst. Die Schicht bleibt in diesem Browser, bis Sie sie löschen.
help N|Next picture to review|Nächstes Bild zu prüfen
help A|Accept what the model leans to|Annehmen, wozu das Modell neigt
help O|Overrule: the opposite of it|Ändern: das Gegenteil davon
help P R|Pass, reject: your own word, where the model cannot judge|Gut, sperren: Ihr Wort, wo das Modell nicht urteilen kann
help U|Undo the last decision, wherever it went|Letzte Entscheidung zurücknehmen, wo immer sie ist
help 1 2 …|Say which defect it is that you rejected|Sagen, welcher Fehler es ist
help ← → ↑ ↓|Move among the pictures|Von Bild zu Bild gehen
help Enter|Enlarge, and back|Vergrößern, und zurück
help + − 0|Enlarged: larger, smaller, all of it; the wheel too, and double click for 1 : 1|Im großen Bild: größer, kleiner, ganz; auch mit dem Rad, Doppelklick für 1 : 1
help Shift ←|Move the enlarged picture; drag it with the mouse|Das große Bild schieben, auch mit der Maus
help Delete|Remove the picture; U brings it back|Bild entfernen; U holt es zurück
help M|Show or hide where the defect is|Fehlerstellen zeigen oder verbergen
help ?|This list|Diese Liste
close|Close|Schließen
asks-token|This service answers only callers with a token. Paste yours; what waits goes on at once.|Dieser Dienst antwortet nur mit einem Token. Fügen Sie Ihres ein; was wartet, geht sofort weiter.
token-kept|It is kept in this tab until the tab is closed, and sent to this service only.|Es bleibt in diesem Tab, bis er geschlossen wird, und geht nur an diesen Dienst.
later|Later|Später
forget|Forget it|Vergessen
token-may-not|This token may not use the service.|Dieses Token darf den Dienst nicht benutzen.
token-old|This token is not accepted, or is too old.|Dieses Token gilt nicht oder nicht mehr.
token-odd|Paste a token: letters, digits and signs, without spaces.|Bitte ein Token einfügen: Buchstaben, Ziffern und Zeichen, ohne Leerzeichen.
shoot|Take picture|Aufnehmen
camera-ask|Allow the camera if the browser asks.|Erlauben Sie die Kamera, wenn der Browser fragt.
camera-none|There is no camera here, or it is not allowed for this page.|Hier ist keine Kamera, oder die Seite darf sie nicht benutzen.
taken|{1} taken|{1} aufgenommen
enlarged|Picture, enlarged|Bild, vergrößert
enlarge|Enlarge {1}|{1} vergrößern
size|Size|Größe
smaller|Smaller|Kleiner
larger|Larger|Größer
fit|All of it|Ganz
any-defect|Any defect|Jeder Fehler
all-defects|All defects {1}|Alle Fehler {1}
defect|defect|Fehler
defects|defects|Fehler
long|{1} long|{1} lang
on-page|page {1}|Seite {1}
prob|Probability|Wahrsch.
place|Place|Stelle
and-more|and {1} smaller ones|und {1} kleinere
accepted|accepted|angenommen
overruled|overruled|geändert
decided|decided|entschieden
by-you|by you: {1}|von Ihnen: {1}
accept|Accept as {1}|Annehmen: {1}
overrule|Overrule: {1}|Ändern: {1}
looked|I looked: {1}|Gesehen: {1}
withdraw|Withdraw your decision|Ihre Entscheidung zurücknehmen
withdrawn|decision withdrawn|Entscheidung zurückgenommen
undo|Undo|Rückgängig
last|Last decision|Letzte Entscheidung
undone|{1}: undone, {2}|{1}: zurückgenommen, {2}
no-class|class not said|ohne Klasse
back-to|back to {1}|wieder {1}
cannot-judge|{1}: the model cannot judge it. Look, then press P to pass or R to reject|{1}: das Modell kann es nicht beurteilen. Hinsehen, dann P für gut oder R für sperren
n-waiting|{1} waiting|{1} warten
n-decided|{1} overruled, {2} accepted|{1} geändert, {2} angenommen
n-odd|{1} not judged|{1} nicht beurteilt
for-you|for you to decide|für Sie zu entscheiden
not-scored|not scored|nicht beurteilt
n-done|{1} of {2} done|{1} von {2} fertig
speed|{1} a second, {2} s left|{1} je Sekunde, noch {2} s
summary|{1} done: {2}|{1} fertig: {2}
bar|Probability of a defect {1}; threshold {2}; review from {3} to {4}|Fehlerwahrscheinlichkeit {1}; Schwelle {2}; prüfen von {3} bis {4}
band|{1}, review from {2} to {3}|{1}, prüfen von {2} bis {3}
turned|turned|gedreht
tiles|{1} tiles|{1} Kacheln
of-pages|page {1} of {2}|Seite {1} von {2}
bits|{1} bits (estimated)|{1} Bit (geschätzt)
times|decode {1} ms, model {2} ms, with the way there and back {3} ms|lesen {1} ms, Modell {2} ms, mit Hin- und Rückweg {3} ms
by-bucket|through the bucket of uploads|über den Bucket für Uploads
again|Try again|Neuer Versuch
scoring|Being scored|Wird beurteilt
in-bucket|in the bucket of uploads|im Bucket für Uploads
waits-sign-in|Waits until you are signed in|Wartet, bis Sie angemeldet sind
no-preview|{1}, cannot be shown here|{1}, hier nicht zu sehen
no-picture|No picture|Kein Bild
unsaved|This browser keeps nothing, and your decisions are not exported yet. Begin a new shift all the same?|Dieser Browser behält nichts, und Ihre Entscheidungen sind noch nicht exportiert. Trotzdem eine neue Schicht beginnen?
bad-folder|A folder cannot be read|Ein Ordner ist nicht lesbar
over-limit|The file has {1}; at most {2} are accepted.|Die Datei hat {1}; erlaubt sind {2}.
over-gateway|The file has {1}; this service takes less in one request, and has no bucket of uploads.|Die Datei hat {1}; dieser Dienst nimmt weniger auf einmal und hat keinen Bucket für Uploads.
unreadable|Unreadable file|Datei nicht lesbar
unreadable+|It is a folder, or was changed, moved or deleted meanwhile.|Es ist ein Ordner, oder sie wurde inzwischen geändert, verschoben oder gelöscht.
no-answer|No answer|Keine Antwort
no-answer+|The service took too long.|Der Dienst hat zu lange gebraucht.
internal-error|The service failed|Fehler im Dienst
bad-answer|Its answer cannot be read.|Seine Antwort ist nicht lesbar.
too-busy|Too busy|Ausgelastet
too-busy+|The service took no more pictures for a while.|Der Dienst nahm eine Weile keine Bilder mehr an.
refused|Refused|Abgelehnt
no-reason|It gave no reason|Ohne Angabe von Gründen
empty-body|Empty file|Leere Datei
too-many-bytes|Too large|Zu groß
too-many-pixels|Too many pixels|Zu viele Pixel
not-an-image|Not a picture|Kein Bild
unsupported-media-type|Not a picture|Kein Bild
not-an-image+|Choose a file from the camera: JPEG, PNG, WebP, BMP or TIFF.|Wählen Sie eine Datei der Kamera: JPEG, PNG, WebP, BMP oder TIFF.
damaged-image|Damaged picture|Beschädigtes Bild
damaged-image+|Part of it is missing: copy it again, or take another.|Ein Teil fehlt: noch einmal kopieren oder neu aufnehmen.
image-too-small|Picture too small|Bild zu klein
too-many-tiles|Too much strip in one picture|Zu viel Band in einem Bild
model-unavailable|No model|Kein Modell
dark|Too dark|Zu dunkel
dark+|Look at the lamp, the exposure, the lens cap and the cable.|Lampe, Belichtung, Objektivdeckel und Kabel prüfen.
saturated|Too bright|Zu hell
saturated+|Much of it is burnt out: less light, exposure or gain.|Vieles ist überstrahlt: weniger Licht, Belichtung oder Verstärkung.
flat|No contrast|Kein Kontrast
flat+|Fog, or a blank signal: look at the lens and at the window before it.|Nebel oder kein Signal: Objektiv und Schutzglas prüfen.
blurred|Blurred|Unscharf
blurred+|Focus, clean the lens, or expose for a shorter time.|Scharf stellen, Objektiv reinigen oder kürzer belichten.
noisy|Noisy|Verrauscht
noisy+|More light in place of gain; look at the cable.|Mehr Licht statt Verstärkung; Kabel prüfen.
unfamiliar|Unlike the pictures the model knows|Anders als die Bilder, die das Modell kennt
unfamiliar+|Another camera, another surface, or no steel?|Andere Kamera, andere Oberfläche, kein Stahl?
scale|Not the scale the model knows|Nicht der Maßstab, den das Modell kennt
scale+|The strip is seen smaller or larger than in the pictures it was trained on.|Das Band ist kleiner oder größer zu sehen als in den Bildern, aus denen es gelernt hat.
shape|Not the shape the model knows|Nicht die Form, die das Modell kennt
shape+|Too little strip, or it cannot be told which way it runs.|Zu wenig Band, oder seine Richtung ist nicht zu erkennen.
`;
const LANGUAGE = navigator.language.startsWith('de') ? 'de' : 'en';
const t = {};
for (const line of TEXTS.trim().split('\n')) {
  const [name, english, german] = line.split('|');
  t[name] = LANGUAGE === 'de' ? german : english;
}
const put = (text, ...values) => text.replace(/\{(\d)\}/g, (_, nth) => values[nth - 1]);
const reasonWords = (reason) => [t[reason] || reason, t[`${reason}+`] || ''];
