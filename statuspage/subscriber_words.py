"""What subscribers read beside the news itself, in the languages of pages: requests to confirm, and their own page."""

from __future__ import annotations

ENGLISH = {
    "mail_confirm_subject": "Please confirm: news from {page}",
    "mail_confirm": """\
Somebody, probably you, asked for news from {page} at this address
({url}).

If that was you, open this page and press the button:
{confirm}

If it was not, do nothing: nothing more is sent, and the address is forgotten after seven days.
""",
    "mail_already_subject": "You get news from {page} already",
    "mail_already": """\
Somebody, probably you, asked for news from {page} at this address.
You get it already. What you hear of, and how to leave, is here:
{manage}
""",
    "mail_unlisted_subject": "Your subscription to {page} has ended",
    "mail_unlisted": """\
What you had chosen to hear of is no longer on {page}, so this is the last message.
To hear of something else there, open this page, press the button, and choose:
{confirm}
""",
    "mail_foot": """\
You get this because you subscribed to {page}.
Choose what you hear of: {manage}
Unsubscribe: {unsubscribe}""",
    "subscribe": "Subscribe",
    "subscribe_title": "Hear of news",
    "subscribe_about": "You get a message when there is an incident or maintenance, and at each update.",
    "address": "E-mail address, or https:// address of a webhook",
    "bad_address": "This is no address that can be used here. Enter an e-mail address, or a "
    "web address that begins with https://.",
    "bad_component": "Choose among these.",
    "components": "About what",
    "components_about": "None chosen: about everything.",
    "asked_title": "Nearly done",
    "asked": "If this address can be reached and does not have one already, a request to confirm is on its way to it. "
    "Open the link in it. Nothing is sent before that.",
    "asked_webhook": "A webhook is sent a signed request (subscription.challenge) and is subscribed when it answers "
    "with a status of 2xx.",
    "confirm_title": "Do you want news from {page}?",
    "confirm_about": "It will be sent to {address}.",
    "confirm": "Yes, subscribe",
    "manage_title": "Your subscription",
    "manage_about": "News from {page} goes to {address}.",
    "confirmed": "You are subscribed.",
    "saved": "Saved.",
    "save": "Save",
    "secret": "Requests are signed after Standard Webhooks with this secret:",
    "unsubscribe": "Unsubscribe",
    "unsubscribe_title": "Unsubscribe from {page}?",
    "unsubscribe_about": "Nothing more will be sent to {address}.",
    "left_title": "You are unsubscribed",
    "left": "Nothing more is sent to {address}. The address is forgotten after 30 days.",
    "unlisted": "What you had chosen to hear of is no longer on {page}. Subscribe again to choose something else.",
    "again": "Subscribe again",
    "unknown_title": "This link leads nowhere",
    "unknown": "It is incomplete, or the subscription that it belonged to is gone.",
    "no_page": "There is no status page here.",
    "to_page": "To the status page",
}

GERMAN = {
    "mail_confirm_subject": "Bitte bestätigen: Neues von {page}",
    "mail_confirm": """\
Jemand, vermutlich Sie, möchte an dieser Adresse Neues von {page} erfahren
({url}).

Wenn Sie das waren, öffnen Sie diese Seite und drücken Sie den Knopf:
{confirm}

Wenn nicht, brauchen Sie nichts zu tun: Es kommt nichts weiter, und die Adresse wird nach sieben Tagen vergessen.
""",
    "mail_already_subject": "Sie erhalten bereits Neues von {page}",
    "mail_already": """\
Jemand, vermutlich Sie, möchte an dieser Adresse Neues von {page} erfahren.
Das tun Sie bereits. Was Sie erfahren und wie Sie sich abmelden, steht hier:
{manage}
""",
    "mail_unlisted_subject": "Ihr Abonnement von {page} ist beendet",
    "mail_unlisted": """\
Worüber Sie etwas erfahren wollten, gibt es auf {page} nicht mehr; dies ist die letzte Nachricht.
Um etwas anderes zu erfahren, öffnen Sie diese Seite, drücken Sie den Knopf und wählen Sie:
{confirm}
""",
    "mail_foot": """\
Sie erhalten dies, weil Sie {page} abonniert haben.
Wählen, was Sie erfahren: {manage}
Abmelden: {unsubscribe}""",
    "subscribe": "Abonnieren",
    "subscribe_title": "Neues erfahren",
    "subscribe_about": "Sie erhalten eine Nachricht bei Störungen und Wartungen und bei jeder Aktualisierung.",
    "address": "E-Mail-Adresse oder https://-Adresse eines Webhooks",
    "bad_address": "Diese Adresse lässt sich hier nicht verwenden. Geben Sie eine "
    "E-Mail-Adresse ein oder eine Adresse, die mit https:// beginnt.",
    "bad_component": "Wählen Sie unter diesen.",
    "components": "Worüber",
    "components_about": "Nichts gewählt: über alles.",
    "asked_title": "Fast fertig",
    "asked": "Wenn diese Adresse erreichbar ist und noch nicht gefragt wurde, ist eine Bitte um Bestätigung unterwegs. "
    "Öffnen Sie den Link darin. Vorher wird nichts gesendet.",
    "asked_webhook": "Ein Webhook erhält eine signierte Anfrage (subscription.challenge) und ist eingetragen, wenn er "
    "mit einem Status 2xx antwortet.",
    "confirm_title": "Möchten Sie Neues von {page} erfahren?",
    "confirm_about": "Es geht an {address}.",
    "confirm": "Ja, abonnieren",
    "manage_title": "Ihr Abonnement",
    "manage_about": "Neues von {page} geht an {address}.",
    "confirmed": "Sie sind eingetragen.",
    "saved": "Gespeichert.",
    "save": "Speichern",
    "secret": "Anfragen sind nach Standard Webhooks mit diesem Geheimnis signiert:",
    "unsubscribe": "Abmelden",
    "unsubscribe_title": "Von {page} abmelden?",
    "unsubscribe_about": "An {address} wird nichts mehr gesendet.",
    "left_title": "Sie sind abgemeldet",
    "left": "An {address} wird nichts mehr gesendet. Die Adresse wird nach 30 Tagen vergessen.",
    "unlisted": "Worüber Sie etwas erfahren wollten, gibt es auf {page} nicht mehr. Abonnieren Sie wieder, um etwas "
    "anderes zu wählen.",
    "again": "Wieder abonnieren",
    "unknown_title": "Dieser Link führt nirgendwohin",
    "unknown": "Er ist unvollständig, oder das Abonnement, zu dem er gehörte, gibt es nicht mehr.",
    "no_page": "Hier ist keine Statusseite.",
    "to_page": "Zur Statusseite",
}

FRENCH = {
    "mail_confirm_subject": "Veuillez confirmer : les nouvelles de {page}",
    "mail_confirm": """\
Quelqu’un, sans doute vous, a demandé à recevoir les nouvelles de {page} à cette adresse
({url}).

Si c’était vous, ouvrez cette page et appuyez sur le bouton :
{confirm}

Sinon, ne faites rien : rien d’autre ne sera envoyé, et l’adresse sera oubliée après sept jours.
""",
    "mail_already_subject": "Vous recevez déjà les nouvelles de {page}",
    "mail_already": """\
Quelqu’un, sans doute vous, a demandé à recevoir les nouvelles de {page} à cette adresse.
C’est déjà le cas. Pour choisir ce que vous recevez ou vous désabonner :
{manage}
""",
    "mail_unlisted_subject": "Votre abonnement à {page} a pris fin",
    "mail_unlisted": """\
Ce que vous aviez choisi de suivre n’est plus sur {page} ; ce message est le dernier.
Pour suivre autre chose, ouvrez cette page, appuyez sur le bouton et choisissez :
{confirm}
""",
    "mail_foot": """\
Vous recevez ce message parce que vous êtes abonné à {page}.
Choisir ce que vous recevez : {manage}
Se désabonner : {unsubscribe}""",
    "subscribe": "S’abonner",
    "subscribe_title": "Recevoir les nouvelles",
    "subscribe_about": "Vous recevez un message en cas d’incident ou de maintenance, et à chaque mise à jour.",
    "address": "Adresse e-mail, ou adresse https:// d’un webhook",
    "bad_address": "Cette adresse ne peut pas être utilisée ici. Indiquez une adresse e-mail, "
    "ou une adresse qui commence par https://.",
    "bad_component": "Choisissez parmi ceux-ci.",
    "components": "À propos de",
    "components_about": "Rien de choisi : à propos de tout.",
    "asked_title": "Presque terminé",
    "asked": "Si cette adresse peut être jointe et n’a pas déjà reçu de demande, une demande de confirmation est en "
    "route. Ouvrez le lien qu’elle contient. Rien n’est envoyé avant.",
    "asked_webhook": "Un webhook reçoit une requête signée (subscription.challenge) et est abonné s’il répond par un "
    "statut 2xx.",
    "confirm_title": "Voulez-vous recevoir les nouvelles de {page} ?",
    "confirm_about": "Elles seront envoyées à {address}.",
    "confirm": "Oui, m’abonner",
    "manage_title": "Votre abonnement",
    "manage_about": "Les nouvelles de {page} sont envoyées à {address}.",
    "confirmed": "Vous êtes abonné.",
    "saved": "Enregistré.",
    "save": "Enregistrer",
    "secret": "Les requêtes sont signées selon Standard Webhooks avec ce secret :",
    "unsubscribe": "Se désabonner",
    "unsubscribe_title": "Se désabonner de {page} ?",
    "unsubscribe_about": "Plus rien ne sera envoyé à {address}.",
    "left_title": "Vous êtes désabonné",
    "left": "Plus rien n’est envoyé à {address}. L’adresse est oubliée après 30 jours.",
    "unlisted": "Ce que vous aviez choisi de suivre n’est plus sur {page}. Abonnez-vous de nouveau pour choisir autre "
    "chose.",
    "again": "S’abonner de nouveau",
    "unknown_title": "Ce lien ne mène nulle part",
    "unknown": "Il est incomplet, ou l’abonnement auquel il appartenait n’existe plus.",
    "no_page": "Il n’y a pas de page d’état ici.",
    "to_page": "Vers la page d’état",
}

SPANISH = {
    "mail_confirm_subject": "Confirme, por favor: noticias de {page}",
    "mail_confirm": """\
Alguien, probablemente usted, ha pedido recibir las noticias de {page} en esta dirección
({url}).

Si ha sido usted, abra esta página y pulse el botón:
{confirm}

Si no, no haga nada: no se enviará nada más y la dirección se olvidará a los siete días.
""",
    "mail_already_subject": "Ya recibe las noticias de {page}",
    "mail_already": """\
Alguien, probablemente usted, ha pedido recibir las noticias de {page} en esta dirección.
Ya las recibe. Para elegir lo que recibe o darse de baja:
{manage}
""",
    "mail_unlisted_subject": "Su suscripción a {page} ha terminado",
    "mail_unlisted": """\
Lo que había elegido ya no está en {page}; este es el último mensaje.
Para recibir otra cosa, abra esta página, pulse el botón y elija:
{confirm}
""",
    "mail_foot": """\
Recibe este mensaje porque se suscribió a {page}.
Elegir lo que recibe: {manage}
Darse de baja: {unsubscribe}""",
    "subscribe": "Suscribirse",
    "subscribe_title": "Recibir noticias",
    "subscribe_about": "Recibe un mensaje cuando hay un incidente o un mantenimiento, y con cada novedad.",
    "address": "Dirección de correo, o dirección https:// de un webhook",
    "bad_address": "Esta dirección no se puede usar aquí. Escriba una dirección de correo o "
    "una que empiece por https://.",
    "bad_component": "Elija entre estos.",
    "components": "Sobre qué",
    "components_about": "Nada elegido: sobre todo.",
    "asked_title": "Casi listo",
    "asked": "Si esta dirección existe y no ha recibido ya una petición, una petición de confirmación está en camino. "
    "Abra el enlace que contiene. Antes no se envía nada.",
    "asked_webhook": "Un webhook recibe una petición firmada (subscription.challenge) y queda suscrito si responde con "
    "un estado 2xx.",
    "confirm_title": "¿Quiere recibir las noticias de {page}?",
    "confirm_about": "Se enviarán a {address}.",
    "confirm": "Sí, suscribirme",
    "manage_title": "Su suscripción",
    "manage_about": "Las noticias de {page} se envían a {address}.",
    "confirmed": "Está suscrito.",
    "saved": "Guardado.",
    "save": "Guardar",
    "secret": "Las peticiones se firman según Standard Webhooks con este secreto:",
    "unsubscribe": "Darse de baja",
    "unsubscribe_title": "¿Darse de baja de {page}?",
    "unsubscribe_about": "No se enviará nada más a {address}.",
    "left_title": "Se ha dado de baja",
    "left": "Ya no se envía nada a {address}. La dirección se olvida a los 30 días.",
    "unlisted": "Lo que había elegido ya no está en {page}. Suscríbase de nuevo para elegir otra cosa.",
    "again": "Suscribirse de nuevo",
    "unknown_title": "Este enlace no lleva a ninguna parte",
    "unknown": "Está incompleto, o la suscripción a la que pertenecía ya no existe.",
    "no_page": "Aquí no hay ninguna página de estado.",
    "to_page": "A la página de estado",
}

_LANGUAGES = {"en": ENGLISH, "de": GERMAN, "fr": FRENCH, "es": SPANISH}


def of(locale: str) -> dict[str, str]:
    """The words of a language; of English, where there are none."""
    return _LANGUAGES.get(locale, ENGLISH)


def filled(locale: str, **values: str) -> dict[str, str]:
    """All of them, with what they leave open filled in; what is not given stays empty."""
    blank = dict.fromkeys(("page", "address", "url", "confirm", "manage", "unsubscribe"), "")
    return {key: words.format(**{**blank, **values}) for key, words in of(locale).items()}
