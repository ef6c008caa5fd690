"""The words of the sample data: workshops, categories, services, people and free text.

Every name is made up; the organisation numbers here fail their check digit, so none is a real company's.
"""

from typing import Final, NamedTuple


class ServiceText(NamedTuple):
    """One service a workshop may offer: price in øre, duration in minutes, categories by id."""

    title: str
    price_ore: int
    minutes: int
    category_ids: tuple[int, ...]
    description: str | None


class WorkshopText(NamedTuple):
    """One workshop: visits per working day decide its size (0: it has no bookings)."""

    org_number: str
    name: str
    time_zone: str
    currency: str
    visits_per_day: float


WORKSHOPS: Final = (
    WorkshopText("987654321", "Brødrene Sørli Bilverksted AS", "Europe/Oslo", "NOK", 11.0),
    WorkshopText("98-0012345", "Nordic Auto Brooklyn", "America/New_York", "USD", 3.0),
    WorkshopText("912300045", "Ålgård Elbilservice AS", "Europe/Oslo", "NOK", 0.0),
    WorkshopText("923400017", "Tromsø Dekk & Bremse AS", "Europe/Oslo", "NOK", 5.0),
    WorkshopText("934500028", "Bærum Bilklinikk", "Europe/Oslo", "NOK", 4.5),
    WorkshopText("945600038", "Gutta på Verkstedet, Ørsta", "Europe/Oslo", "NOK", 4.0),
    WorkshopText("956700041", "Røros Auto og Landbruk", "Europe/Oslo", "NOK", 3.2),
    WorkshopText("967800052", "Sandnes Bilsenter AS", "Europe/Oslo", "NOK", 2.6),
    WorkshopText("978900063", '"Gamle" Hønefoss Karosseri', "Europe/Oslo", "NOK", 2.2),
    WorkshopText("989000074", "Kåre & Sønn Bilservice DA", "Europe/Oslo", "NOK", 1.6),
    WorkshopText("990100085", "Vågå Bilberging og Verksted", "Europe/Oslo", "NOK", 1.1),
    WorkshopText("991200095", "Bodø Motor’n", "Europe/Oslo", "NOK", 0.7),
)

CATEGORIES: Final = (
    "Bremser",
    "EU-kontroll",
    "Dekk og felg",
    "Oljeskift",
    "Service og vedlikehold",
    "Motor og girkasse",
    "Eksosanlegg",
    "Elektro og batteri",
    "Klimaanlegg (AC)",
    "Understell og støtdempere",
    "Karosseri og lakk",
    "Ruter og glass",
)

SERVICES: Final = (
    ServiceText("EU-kontroll personbil", 99000, 60, (2,), "Periodisk kjøretøykontroll inntil 3 500 kg"),
    ServiceText("EU-kontroll varebil og bobil", 129000, 75, (2,), None),
    ServiceText("Oljeskift inkl. filter", 128950, 45, (4, 5), "Inntil 5 liter helsyntetisk olje"),
    ServiceText("Hjulskift", 59900, 30, (3,), "Skift av fire hjul, uten balansering"),
    ServiceText("Hjulskift med vask og balansering", 109900, 60, (3,), None),
    ServiceText("Dekkhotell, én sesong", 124900, 20, (3,), "Lagring av fire hjul; vask er inkludert"),
    ServiceText("Bremseklosser foran", 249000, 90, (1,), "Deler og arbeid"),
    ServiceText("Bremseskiver og klosser bak", 489050, 150, (1, 10), None),
    ServiceText("Bremsesjekk", 49900, 30, (1,), None),
    ServiceText("Liten service", 229000, 90, (5,), "Etter fabrikkens program"),
    ServiceText("Stor service", 519000, 180, (5, 4, 6), "Etter fabrikkens program, med garantistempel"),
    ServiceText("Feilsøking, per time", 139000, 60, (8, 6), None),
    ServiceText("Registerreim og vannpumpe", 1149000, 360, (6,), "Komplett sett, 2 års garanti"),
    ServiceText("Clutch, komplett", 1389950, 420, (6,), None),
    ServiceText("Eksosanlegg, bakpotte", 319000, 75, (7,), None),
    ServiceText("Partikkelfilter: rens", 449000, 120, (7, 6), None),
    ServiceText("Batteribytte", 219900, 30, (8,), "Batteri 70 Ah, montert og kodet"),
    ServiceText("AC-service R134a", 159000, 60, (9,), "Påfylling inntil 500 g"),
    ServiceText('AC-service R1234yf ("ny" gass)', 349000, 60, (9,), None),
    ServiceText("Støtdempere foran (par)", 569000, 150, (10,), None),
    ServiceText("Firehjulskontroll", 189000, 60, (10, 3), "Måling og justering"),
    ServiceText("Lakkering av støtfanger", 649000, 240, (11,), None),
    ServiceText("Skifte frontrute m/kalibrering", 899000, 180, (12, 8), "Egenandel ved kasko"),
    ServiceText("Steinsprutreparasjon", 79900, 30, (12,), None),
    ServiceText("+ Lånebil, per dag", 35000, 15, (), None),
    ServiceText("Verkstedarbeid, diverse", 119000, 60, (), "Timepris; avtales på forhånd"),
)

# Name parts are combined; full names and firms are taken as they stand.
FIRST_NAMES: Final = (
    *("Kari", "Ola", "Åse", "Øystein", "Bjørn", "Sølvi", "Håkon", "Pål"),
    *("Gro", "Torbjørn", "Ingrid", "Jørgen", "Solveig", "Anne-Kåre", "Vårin", "Stian"),
    *("Marte", "Even", "Ragnhild", "Gøran", "Tuva", "Eirik", "Synnøve", "Lars-Åke"),
    *("Mona", "Trygve", "Embla", "Ådne", "Dag", "Sissel"),
)
LAST_NAMES: Final = (
    *("Hansen", "Sørensen", "Bråthen", "Ødegård", "Ås", "Næss", "Kjærstad", "Lønning"),
    *("Myhre", "Grønli", "Tjønndal", "Bøe", "Strøm", "Haugen", "Håland", "Solbakken"),
    *("Nygård", "Ræder", "Øverland", "Vik", "Fjæreide", "Moen", "Skår", "Tveit"),
    *("Åsgård", "Dæhlin", "O'Brien"),
)
OTHER_NAMES: Final = (
    *("Łukasz Wójcik", "Małgorzata Dąbrowska", "Grzegorz Żółkiewski", "Agnieszka Śliwińska"),
    *("Nguyễn Thị Hương", "Trần Văn Đức", "Phạm Quỳnh Anh", "Đặng Hữu Phước"),
    *("Fatima Al-Hassan", "Yusuf Abd al-Rahman", "محمد العلي", "ليلى حسن"),
    *("Birutė Žukauskaitė", "José Ibáñez Muñoz", "Zoë Björkqvist", "Jürgen Weiß"),
    *("Transport & Sønn AS", 'Taxi "Blålys" DA', "Hansen, Kari (bo)", "Vågå kommune; teknisk etat"),
)

PLATE_LETTERS: Final = ("AB", "BT", "CE", "DN", "EL", "EK", "EV", "FT", "HJ", "KH", "LS", "RJ", "SV", "ZX")
FOREIGN_PLATES: Final = ("0123AB", "007 KLM", "00481", "WX 0192K", "B-ÄÖ 77", "KÅRE 1", "1E10")

JOBS: Final = (
    "Bytte av bremseklosser foran",
    "Skift til sommerhjul",
    "Skift til piggdekk",
    "Ulyd fra venstre forhjul",
    "Lampe for motorfeil lyser",
    "EU-kontroll har frist denne måneden",
    "Lekker olje under motoren",
    "Bilen trekker mot høyre",
    "Etterkontroll etter mangellapp 2",
    "Startvansker i kulde",
    "Sjekk støtdempere bak",
    "Rust i hjulbue, ta bilde",
    "Håndbrekket må strammes",
    "Vindusvisker bak virker ikke",
    "Fyll på spylervæske og AdBlue",
    "Hengerfeste ettermontert; kontroller kobling",
)
REMARKS: Final = (
    "kunden venter",
    "ring når bilen er klar",
    "nøkkel i nøkkelboks nr. 4",
    "låsebolt ligger i hanskerommet",
    "skal hentes før kl. 16",
    "gi pris før arbeidet starter",
    "bilen kan stå over natten",
    "faktura til firma",
    "har med egne deler",
    "se også forrige besøk",
)
ODD_NOTES: Final = (
    'Kunden sier: "den piper når jeg bremser", særlig i kulda',
    "Ring Åse før kl. 9;\nellers send SMS",
    "Deler bestilt\r\n- klosser\r\n- skiver",
    "🚗💨 rask levering avtalt 👍",
    "=KONTROLL(A1:A3)",
    '=HYPERLINK("https://example.com","klikk")',
    "+47 foran nummeret, kunden er i utlandet",
    "-10 % rabatt avtalt med Pål",
    "@Bjørn: ta denne først",
    "\tLimt inn fra e-post: bil nr. 2",
    "Æ, ø og å; «anførsel», 20 °C – ca. ½ time…",
    "NULL",
    "Prøvekjørt 12 km; ok",
    "<b>Haster</b> & må gjøres i dag",
    "C:\\bilder\\støtfanger.jpg",
    "Kunde ønsker tilbud på lakk, " + "se vedlagte beskrivelse av skaden på dør, skjerm og støtfanger. " * 12,
)
CANCELLATION_REASONS: Final = (
    "Kunden ble syk",
    "Ikke møtt",
    "Bilen er solgt",
    "Flyttet til annet verksted, for dyrt",
    "Deler ikke på lager – ny tid avtales",
    'Kunden: "ombestemte meg"',
)

RATING_MESSAGES: Final = (
    "Rask og hyggelig betjening!",
    "Veldig fornøyd, kommer gjerne tilbake.",
    "Grei jobb, men litt dyrt for oljeskift.",
    "Måtte vente to timer på bilen, og ingen sa fra.",
    "Ærlige folk som forklarer hva som er gjort.",
    "Bremsene piper fortsatt …",
    "Topp service 👏🚗",
    'Sa "ferdig kl. 14", ble ferdig 17',
    "Fin lånebil.\nHjulene var ikke vasket.",
    "=beste verkstedet i byen",
    "-1 for kaffen, ellers bra",
    "+ god tid, + god pris",
    "@verkstedet takk for hjelpen",
    "Świetna obsługa, polecam!",
    "Dịch vụ rất tốt",
    "خدمة ممتازة",
    "Ok",
    "Fikk tilbake bilen med riper på døra; håper dere ordner opp, Øystein",
)
