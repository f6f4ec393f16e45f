//! Names in Latin letters, with the accents of many countries.

use super::{Culture, NONE};

pub(super) static CULTURES: [Culture; 10] = [
    Culture {
        share: 18,
        given: (
            "James Mary John Patricia Robert Jennifer Michael Linda William Elizabeth David Barbara Richard Susan Joseph Jessica Thomas Sarah Charles Karen Daniel Nancy Matthew Lisa Anthony Betty Mark Margaret Donald Sandra Steven Ashley Paul Kimberly Andrew Emily Joshua Donna Kenneth Michelle Kevin Carol Brian Amanda George Dorothy Edward Melissa Ronald Deborah Siobhán Seán Niamh Aoife Ciarán Zoë Chloë Grace Ada Alan Oliver Harry Isla Poppy Freya Rhys Dafydd Eilidh Hamish Fergus",
            "",
        ),
        syllables: NONE,
        surnames: (
            "Smith Jones Williams Brown Taylor Davies Wilson Evans Thomas Johnson Roberts Walker Wright Robinson Thompson White Hughes Edwards Green Hall Wood Harris Lewis Martin Jackson Clarke Clark Turner Hill Scott Cooper Morris Ward Moore King Watson Baker Harrison Morgan Patel Young Allen Mitchell James Anderson Phillips Lee Bell Parker Davis O'Brien O'Neill O’Connor Murphy Kelly Byrne Ryan O'Sullivan Walsh McCarthy Campbell Stewart MacDonald Reid Murray Llewellyn Price Lovelace Hopper Turing",
            "",
        ),
        stems: (
            "Ash Black Bright Brook Burn Chester Cliff Cold Cromp East Ed El Fair Gold Hamp Hart Hather Hay High Hol Hunt Kings Lang Lin Long Mar Mel Mil New Nor Oak Old Pem Pres Rad Red Rock Rose Ruther Shel Silver South Stan Stock Strat Sut Thorn Wal Way West Whit Win Wood Wool",
            "",
        ),
        endings: (
            "ton ford ley well wood field man son bridge worth more by ham stone land shaw croft den dale burn",
            "",
        ),
        two_surnames: false,
        domains: "example.co.uk btmail.example.co.uk comcast.example.net aol.example.com",
    },
    Culture {
        share: 15,
        given: (
            "María José Antonio Carmen Manuel Ana Francisco Isabel Juan Dolores David Pilar Javier Teresa Daniel Rosa Jesús Cristina Carlos Ángeles Alejandro Laura Miguel Marta Rafael Elena Pedro Lucía Ángel Raquel Pablo Sara Sergio Paula Fernando Irene Jorge Rocío Luis Mónica Alberto Silvia Álvaro Beatriz Adrián Andrea Diego Inés Raúl Núria Iván Begoña Rubén Sofía Enrique Noelia Óscar Verónica Ramón Valentina Andrés Ximena Joaquín Guadalupe Santiago Itziar Iñaki Aitor Ainhoa",
            "",
        ),
        syllables: NONE,
        surnames: (
            "García Rodríguez González Fernández López Martínez Sánchez Pérez Gómez Martín Jiménez Hernández Ruiz Díaz Moreno Muñoz Álvarez Romero Gutiérrez Alonso Navarro Torres Domínguez Ramos Vázquez Ramírez Gil Serrano Morales Molina Blanco Suárez Castro Ortega Delgado Ortiz Marín Rubio Núñez Medina Sanz Castillo Iglesias Cortés Garrido Santos Guerrero Lozano Cano Cruz Méndez Flores Prieto Herrera Peña León Márquez Cabrera Gallego Calvo Vidal Campos Vega Reyes Fuentes Carrasco Caballero Nieto Aguilar Ibáñez Peñalver Zúñiga Etxeberria Güell",
            "",
        ),
        stems: (
            "Agui Alba Alca Arri Bara Bel Beni Bera Bur Cala Cara Casti Cer Echa Esca Este Fuen Gala Gara Gue Iba Iri Jara Lara Lasa Mana Mendi Mira Monte Nava Oli Ola Para Pala Ribe Robl Saga Sali Sara Torre Urru Val Vera Villa Zaba Zuri",
            "",
        ),
        endings: (
            "rrez lez ñez da do lla llo nte res rra rro sco ta tegui via zar zaga zo",
            "",
        ),
        two_surnames: true,
        domains: "yahoo.example.es telefonica.example.net correo.example.es hotmail.example.mx",
    },
    Culture {
        share: 10,
        given: (
            "Peter Michael Thomas Andreas Wolfgang Claus Jürgen Günter Stefan Christian Uwe Werner Klaus Sabine Ursula Monika Petra Elke Renate Karin Anna Maria Jörg Björn Götz Käthe Änne Jannik Lukas Leon Finn Mia Emma Hannah Sophie Lea Lena Leonie Marie Maximilian Paul Jonas Felix Ben Elias Noah Luis Heike Anja Kerstin Birgit Angelika Gabriele Dieter Manfred Helmut Gerhard Hans Heinz Horst Rüdiger Volker Zoë Urs Beat Reto",
            "",
        ),
        syllables: NONE,
        surnames: (
            "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer Richter Klein Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Schmitt Werner Schmitz Krause Meier Lehmann Schmid Schulze Maier Köhler Herrmann König Walter Mayer Huber Kaiser Fuchs Peters Lang Scholz Möller Weiß Jung Hahn Schubert Vogel Friedrich Keller Günther Frank Berger Winkler Roth Beck Lorenz Baumann Franke Albrecht Schuster Groß Böhm Krämer Vogt Brandt Jäger Strauß Götz",
            "",
        ),
        stems: (
            "Acker Alten Amsel Bach Beer Berg Birken Blumen Brand Buch Burg Dorn Eber Eich Eisen Engel Feld Fichten Frei Gold Grün Hammer Hasel Heid Hirsch Hohen Holz Kalten Kirch Klein Kron Kühn Lauter Lind Löwen Mühl Nieder Ober Ostern Rosen Roth Sand Schön Sonnen Stein Tannen Vogel Wald Weid Wein Winter Wolf",
            "",
        ),
        endings: (
            "mann er meier berg stein feld bach bauer hofer huber müller wald thal brunner felder rath hausen dorfer",
            "",
        ),
        two_surnames: false,
        domains: "gmx.example.de web.example.de t-online.example.de firma.example.at bluewin.example.ch",
    },
    Culture {
        share: 8,
        given: (
            "Jean Marie Michel Nathalie Pierre Isabelle Philippe Sylvie Alain Catherine Nicolas Martine Christophe Christine Patrick Françoise Frédéric Valérie Éric Sandrine François Stéphanie Stéphane Véronique Olivier Sophie Gérard Céline Sébastien Chantal Léa Chloé Jérôme Hélène Rémi Zoé Noël Agnès Théo Loïc Anaïs Gaël Maëlle Maxime Camille Hugo Inès Jade Gabriel Raphaël Léo Louis Lucas Adèle",
            "",
        ),
        syllables: NONE,
        surnames: (
            "Martin Bernard Thomas Petit Robert Richard Durand Dubois Moreau Laurent Simon Michel Lefèvre Leroy Roux David Bertrand Morel Fournier Girard Bonnet Dupont Lambert Fontaine Rousseau Vincent Müller Faure André Mercier Blanc Guérin Boyer Garnier Chevalier François Legrand Gauthier Perrin Robin Clément Morin Nicolas Henry Roussel Mathieu Gautier Masson Marchand Duval Denis Dumont Lemaire Noël Meyer Dufour Besançon D’Angelo Le-Goff L'Hôpital",
            "",
        ),
        stems: (
            "Aub Bar Beau Bel Ber Bois Bou Bri Cham Char Clé Cour Dela Du Fleu For Fou Gar Gau Gra Jou La Le Lé Mar Mé Mon Mou Pel Per Poi Pré Ra Rey Ri Ro Rou Sau Ser Tou Val Ver Vi",
            "",
        ),
        endings: (
            "bert bois camp chet deau fort geon lier lin mont nard nier neau pin quet ret reau rier ssier teau vard ville",
            "",
        ),
        two_surnames: false,
        domains: "orange.example.fr free.example.fr laposte.example.net videotron.example.ca",
    },
    Culture {
        share: 7,
        given: (
            "Giuseppe Maria Antonio Anna Giovanni Giuseppina Mario Rosa Luigi Angela Francesco Giovanna Salvatore Teresa Vincenzo Lucia Pietro Carmela Carlo Caterina Franco Francesca Domenico Antonella Bruno Paola Paolo Laura Michele Giulia Marco Elena Niccolò Alessia Matteo Chiara Lorenzo Sofia Andrea Aurora Leonardo Ginevra",
            "",
        ),
        syllables: NONE,
        surnames: (
            "Rossi Russo Ferrari Esposito Bianchi Romano Colombo Ricci Marino Greco Bruno Gallo Conti Costa Giordano Mancini Rizzo Lombardi Moretti Barbieri Fontana Santoro Mariani Rinaldi Caruso Ferrara Galli Martini Leone Longo Gentile Martinelli Vitale Lombardo Serra Coppola Marchetti Parisi Villa Conte Ferraro Fabbri Bianco Marini Grasso Valentini Messina Sala Gatti Pellegrini Palumbo Sanna Farina Rizzi Monti Cattaneo Morelli Amato Silvestri Mazza Testa Grassi Pellegrino Carbone Giuliani Benedetti Nicolò D'Angelo Dell'Acqua",
            "",
        ),
        stems: (
            "Al Ba Bar Bel Ber Bo Bra Ca Car Ce Co Cor De Fa Fer Fi Fra Ga Gal Gri Lan Lo Lu Ma Man Mar Me Mi Mo Mon Na Ni Or Pa Pel Per Pi Ra Ri Ro San Sa Sca Ser Spi Ta To Tra Va Ve Vi Za",
            "",
        ),
        endings: (
            "bini dini lli llini netti nelli relli retti rini rone sini ssi ssini tini tti ttini vani zzi zzoni",
            "",
        ),
        two_surnames: false,
        domains: "libero.example.it tiscali.example.it virgilio.example.it",
    },
    Culture {
        share: 6,
        given: (
            "João Maria José Ana António Francisca Pedro Beatriz Luís Inês Paulo Mariana Carlos Matilde Miguel Leonor Rui Sofia Tiago Joana Nuno Catarina Ricardo Rita André Sónia Fábio Antônia Vinícius Letícia Thaís Júlia Gonçalo Simão Conceição Rafael Larissa Gabriel Bruna Caíque",
            "",
        ),
        syllables: NONE,
        surnames: (
            "Silva Santos Ferreira Pereira Oliveira Costa Rodrigues Martins Jesus Sousa Fernandes Gonçalves Gomes Lopes Marques Alves Almeida Ribeiro Pinto Carvalho Teixeira Moreira Correia Mendes Nunes Soares Vieira Monteiro Cardoso Rocha Neves Coelho Cruz Cunha Pires Ramos Reis Simões Antunes Matos Fonseca Machado Araújo Barbosa Tavares Lourenço Castro Figueiredo Azevedo Magalhães Conceição Guimarães Galvão Assunção",
            "",
        ),
        stems: (
            "Abran Alme Ara Bar Bor Bra Caba Cama Car Cas Cer Con Fal Far Fei Fer Fi Gal Gui Lei Lima Mada Mar Mei Mira Mora Nabu Nora Oli Palm Pas Pei Quei Re Ser Sil Tor Va Vi Xa",
            "",
        ),
        endings: (
            "ba beira ções dinho do eira gão ga lho lhães nha ngas ral reira ro vares veira zes",
            "",
        ),
        two_surnames: true,
        domains: "sapo.example.pt uol.example.com.br bol.example.com.br",
    },
    Culture {
        share: 6,
        given: (
            "Anna Piotr Maria Krzysztof Katarzyna Andrzej Małgorzata Tomasz Agnieszka Paweł Barbara Jan Ewa Michał Krystyna Marcin Elżbieta Jakub Magdalena Łukasz Joanna Stanisław Zofia Józef Bożena Grażyna Jiří Tereza Tomáš Kateřina Ondřej Eliška Štěpán Zuzana Zsófia László István Katalin Gábor Ágnes Ștefan Ioana Mihai Ana Nikola Đorđe Željko Čedomir Živa",
            "",
        ),
        syllables: NONE,
        surnames: (
            "Nowak Kowalski Wiśniewski Wójcik Kowalczyk Kamiński Lewandowski Zieliński Szymański Woźniak Dąbrowski Kozłowski Jankowski Mazur Kwiatkowski Krawczyk Piotrowski Grabowski Nowakowski Pawłowski Michalski Król Wieczorek Jabłoński Novák Svoboda Novotný Dvořák Černý Procházka Kučera Veselý Horák Němec Nagy Kovács Tóth Szabó Horváth Varga Kiss Molnár Popescu Ionescu Popa Dumitru Jovanović Petrović Nikolić Marković Đorđević Horvat Kovačević Krajnc",
            "",
        ),
        stems: (
            "Adam Bar Bart Bog Bor Bro Cie Czar Dob Dom Gór Gra Jab Jag Jan Kali Kam Kar Kos Kraw Kub Lip Mali Mar Maz Mich Mil Mor Ol Ost Paw Pie Pol Rad Rog Rut Sie Sik Sob Stan Świą Szcz Tom Urb Was Wil Wit Wol Zaj Zar",
            "",
        ),
        endings: (
            "owski ewski iński ański czyk owicz ak ek icki acki ko ka owiak el",
            "",
        ),
        two_surnames: false,
        domains: "wp.example.pl onet.example.pl seznam.example.cz freemail.example.hu",
    },
    Culture {
        share: 4,
        given: (
            "Lars Anna Erik Eva Karl Maria Anders Karin Johan Kristina Per Lena Nils Kerstin Mikael Ingrid Jan Marie Søren Mette Jørgen Kirsten Bjørn Åse Øyvind Solveig Håkon Märta Göran Åsa Jürg Päivi Jukka Matti Tuula Juha Þórdís Guðrún Jón Sigríður",
            "",
        ),
        syllables: NONE,
        surnames: (
            "Andersson Johansson Karlsson Nilsson Eriksson Larsson Olsson Persson Svensson Gustafsson Jensen Nielsen Hansen Pedersen Andersen Christensen Larsen Sørensen Rasmussen Jørgensen Olsen Kristiansen Berg Haugen Hagen Johannessen Korhonen Virtanen Mäkinen Nieminen Mäkelä Hämäläinen Lindström Lindqvist Sjöberg Öberg Åkesson Ångström Ødegård Jónsdóttir Guðmundsson Łukasz",
            "",
        ),
        stems: (
            "Ahl Alm Asp Back Björk Blom Boström Ceder Dal Ek Eng Fors Gran Grön Hag Hall Hed Holm Kull Lind Ljung Lund Löf Mal Nord Ny Rosen Ryd Sand Sjö Skog Sten Strand Sund Söder Väst Ås Öst",
            "",
        ),
        endings: (
            "berg borg dahl ell feldt gren holm kvist lund man mark qvist stedt strand ström vall",
            "",
        ),
        two_surnames: false,
        domains: "telia.example.se online.example.no yousee.example.dk luukku.example.fi",
    },
    Culture {
        share: 3,
        given: (
            "Mehmet Fatma Mustafa Ayşe Ahmet Emine Ali Hatice Hüseyin Zeynep Hasan Elif İbrahim Meryem İsmail Şerife Osman Sultan Yusuf Hanife Murat Zehra Ömer Özlem Çağlar Işıl İrem Gökhan Tuğba Şükrü Ümit",
            "",
        ),
        syllables: NONE,
        surnames: (
            "Yılmaz Kaya Demir Şahin Çelik Yıldız Yıldırım Öztürk Aydın Özdemir Arslan Doğan Kılıç Aslan Çetin Kara Koç Kurt Özkan Şimşek Polat Korkmaz Çakır Erdoğan Güneş Aksoy Bulut Ünal Işık",
            "",
        ),
        stems: (
            "Ak Al Alt Ar Ay Bal Bay Boz Can Cey Çal Dal Dem Dur Er Gök Gül Gün Kan Kar Kes Kor Oğuz Öz Sar Sev Taş Tek Top Tür Uç Uz Yal Yav",
            "",
        ),
        endings: (
            "bay can demir er gül han kan kaya lar man oğlu soy tekin türk ulu",
            "",
        ),
        two_surnames: false,
        domains: "superonline.example.com.tr mynet.example.com",
    },
    Culture {
        share: 2,
        given: (
            "Anh Hương Minh Thị-Mai Tuấn Lan Hùng Hoa Dũng Thảo Nam Linh Long Trang Đức Nga Quân Phương Sơn Hạnh Khải Ngọc Việt Yến",
            "",
        ),
        syllables: NONE,
        surnames: (
            "Nguyễn Trần Lê Phạm Hoàng Huỳnh Phan Vũ Võ Đặng Bùi Đỗ Hồ Ngô Dương Lý Đoàn Trương Đinh Lâm",
            "",
        ),
        stems: NONE,
        endings: NONE,
        two_surnames: false,
        domains: "vnn.example.vn fpt.example.vn",
    },
];
