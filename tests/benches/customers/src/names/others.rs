//! Names in other scripts, each with the form that stands in an address.

use super::{Culture, NONE};

pub(super) static CULTURES: [Culture; 9] = [
    Culture {
        share: 7,
        given: (
            "Александр Елена Сергей Ольга Дмитрий Наталья Андрей Анна Алексей Татьяна Иван Мария Максим Ирина Евгений Светлана Михаил Юлия Владимир Екатерина Николай Людмила Юрий Оксана Олександр Андрій Сергій Тетяна Семён Фёдор",
            "aleksandr elena sergey olga dmitry natalya andrey anna alexey tatyana ivan maria maxim irina evgeny svetlana mikhail yulia vladimir ekaterina nikolay lyudmila yuri oksana oleksandr andrii serhii tetiana semen fedor",
        ),
        syllables: NONE,
        surnames: (
            "Иванов Смирнов Кузнецов Попов Васильев Петров Соколов Михайлов Новиков Фёдоров Морозов Волков Алексеев Лебедев Семёнов Егоров Павлов Козлов Степанов Николаев Орлов Андреев Макаров Шевченко Коваленко Бондаренко Ткаченко Кравченко Ковальчук",
            "ivanov smirnov kuznetsov popov vasiliev petrov sokolov mikhailov novikov fedorov morozov volkov alekseev lebedev semenov egorov pavlov kozlov stepanov nikolaev orlov andreev makarov shevchenko kovalenko bondarenko tkachenko kravchenko kovalchuk",
        ),
        stems: (
            "Бел Бор Гор Гриш Гус Дан Ден Дроб Ефим Жар Зай Зуб Кал Кап Кир Кол Кор Лаз Лог Лук Мак Мар Мат Мед Нос Оз Ост Пан Рог Род Рус Сав Сид Сол Тар Тим Фом Чер Шир Яков",
            "bel bor gor grish gus dan den drob efim zhar zay zub kal kap kir kol kor laz log luk mak mar mat med nos oz ost pan rog rod rus sav sid sol tar tim fom cher shir yakov",
        ),
        endings: (
            "ов ин енко ский ников аев чук ичев цев янов",
            "ov in enko sky nikov aev chuk ichev tsev yanov",
        ),
        two_surnames: false,
        domains: "yandex.example.ru mail.example.ru ukr.example.net",
    },
    Culture {
        share: 3,
        given: (
            "Γεώργιος Μαρία Ιωάννης Ελένη Κωνσταντίνος Αικατερίνη Δημήτριος Βασιλική Νικόλαος Σοφία Παναγιώτης Αγγελική Βασίλειος Γεωργία Χρήστος Δήμητρα Αθανάσιος Ωμέγα Μιχαήλ Ιωάννα",
            "georgios maria ioannis eleni konstantinos aikaterini dimitrios vasiliki nikolaos sofia panagiotis angeliki vasileios georgia christos dimitra athanasios omega michail ioanna",
        ),
        syllables: NONE,
        surnames: (
            "Παπαδόπουλος Παπαγεωργίου Οικονόμου Παπαδάκης Βασιλείου Γεωργίου Δημητρίου Νικολάου Καραγιάννης Μακρής Ιωάννου Αθανασίου Κωνσταντίνου Αντωνίου Σαμαράς Βλάχος",
            "papadopoulos papageorgiou oikonomou papadakis vasileiou georgiou dimitriou nikolaou karagiannis makris ioannou athanasiou konstantinou antoniou samaras vlachos",
        ),
        stems: (
            "Αλεξ Αναγνωστ Αντων Βασιλ Γεωργ Δημητρ Θεοδωρ Καλλ Καραμ Κυριακ Λαμπρ Μανωλ Νικολ Παπαν Σταμ Στεφαν Χατζ Χριστ",
            "alex anagnost anton vasil georg dimitr theodor kall karam kyriak lampr manol nikol papan stam stefan chatz christ",
        ),
        endings: (
            "όπουλος άκης ίδης ιάδης άτος έας",
            "opoulos akis idis iadis atos eas",
        ),
        two_surnames: false,
        domains: "otenet.example.gr forthnet.example.gr",
    },
    Culture {
        share: 4,
        given: (
            "伟 芳 娜 敏 静 丽 强 磊 军 洋 勇 艳 杰 娟 涛 明 超 秀英 小明 建国 子涵 雨桐",
            "wei fang na min jing li qiang lei jun yang yong yan jie juan tao ming chao xiuying xiaoming jianguo zihan yutong",
        ),
        syllables: (
            "子 雨 梓 宇 浩 欣 嘉 思 诗 佳 俊 文 志 晓 天 海 国 春 红 玉 建 永 金 新 德 家 明 华 平 林",
            "zi yu zi yu hao xin jia si shi jia jun wen zhi xiao tian hai guo chun hong yu jian yong jin xin de jia ming hua ping lin",
        ),
        surnames: (
            "王 李 张 刘 陈 杨 赵 黄 周 吴 徐 孙 胡 朱 高 林 何 郭 马 罗 梁 宋 郑 谢 韩 唐 冯 于 董 萧 程 曹 袁 邓 许 傅 沈 曾 彭 吕 苏 卢 蒋 蔡 贾 丁 魏 薛 叶 阎 余 潘 杜 戴 夏 钟 汪 田 任 姜 欧阳 司马 诸葛",
            "wang li zhang liu chen yang zhao huang zhou wu xu sun hu zhu gao lin he guo ma luo liang song zheng xie han tang feng yu dong xiao cheng cao yuan deng xu fu shen zeng peng lv su lu jiang cai jia ding wei xue ye yan yu pan du dai xia zhong wang tian ren jiang ouyang sima zhuge",
        ),
        stems: NONE,
        endings: NONE,
        two_surnames: false,
        domains: "qq.example.cn 163.example.cn 126.example.cn",
    },
    Culture {
        share: 3,
        given: (
            "さくら 陽菜 結衣 翔太 大輔 健太 直樹 美咲 花子 太郎 ひかり あかり ケン マリア 翼 蓮",
            "sakura hina yui shota daisuke kenta naoki misaki hanako taro hikari akari ken maria tsubasa ren",
        ),
        syllables: (
            "美 子 優 大 翔 直 和 真 健 明 人 香 恵 正 雄 一 郎 奈 里 央",
            "mi ko yu dai sho nao kazu ma ken aki hito ka e masa o kazu ro na ri o",
        ),
        surnames: (
            "佐藤 鈴木 高橋 田中 伊藤 渡辺 山本 中村 小林 加藤 吉田 山田 佐々木 山口 松本 井上 木村 林 斎藤 清水",
            "sato suzuki takahashi tanaka ito watanabe yamamoto nakamura kobayashi kato yoshida yamada sasaki yamaguchi matsumoto inoue kimura hayashi saito shimizu",
        ),
        stems: (
            "山 川 田 中 小 大 高 石 森 松 竹 藤 青 白 黒 西 東 北 南 上",
            "yama kawa ta naka ko o taka ishi mori matsu take fuji ao shiro kuro nishi higashi kita minami ue",
        ),
        endings: (
            "田 川 本 村 野 山 島 崎 原 井 口 沢",
            "da kawa moto mura no yama shima saki hara i guchi sawa",
        ),
        two_surnames: false,
        domains: "docomo.example.jp ezweb.example.jp yahoo.example.jp",
    },
    Culture {
        share: 2,
        given: (
            "민준 서연 지훈 서윤 현우 지우 영수 미경 정숙 성호",
            "minjun seoyeon jihoon seoyun hyunwoo jiwoo youngsoo mikyung jungsook sungho",
        ),
        syllables: (
            "민 서 지 현 영 수 정 미 성 은 준 우 진 혜 경 희 동 재 상 윤",
            "min seo ji hyun young soo jung mi sung eun jun woo jin hye kyung hee dong jae sang yoon",
        ),
        surnames: (
            "김 이 박 최 정 강 조 윤 장 임 한 오 서 신 권 황 안 송 류 홍",
            "kim lee park choi jung kang cho yoon jang lim han oh seo shin kwon hwang ahn song ryu hong",
        ),
        stems: NONE,
        endings: NONE,
        two_surnames: false,
        domains: "naver.example.kr daum.example.net",
    },
    Culture {
        share: 1,
        given: (
            "สมชาย สมหญิง ประเสริฐ วันดี สุรชัย มาลี วิชัย นภา กิตติ อรทัย",
            "somchai somying prasert wandee surachai malee wichai napha kitti orathai",
        ),
        syllables: NONE,
        surnames: (
            "แซ่ตั้ง ใจดี ทองดี สุขใจ ศรีสุข",
            "saetang jaidee thongdee sukjai srisuk",
        ),
        stems: (
            "แก้ว จันทร์ ทอง นาค บุญ พงษ์ วงศ์ ศรี สุข",
            "kaew chan thong nak bun phong wong sri suk",
        ),
        endings: ("ชัย พันธ์ มณี รัตน์ วัฒน์ สกุล", "chai phan manee rat wat sakul"),
        two_surnames: false,
        domains: "truemail.example.th",
    },
    Culture {
        share: 1,
        given: (
            "प्रिया राहुल अमित सुनीता संजय पूजा राजेश अनिता विजय कविता",
            "priya rahul amit sunita sanjay pooja rajesh anita vijay kavita",
        ),
        syllables: NONE,
        surnames: (
            "शर्मा कुमार सिंह गुप्ता वर्मा पटेल यादव मिश्रा जोशी अग्रवाल",
            "sharma kumar singh gupta verma patel yadav mishra joshi agarwal",
        ),
        stems: NONE,
        endings: NONE,
        two_surnames: false,
        domains: "rediffmail.example.in",
    },
    Culture {
        share: 3,
        given: (
            "محمد فاطمة أحمد مريم علي عائشة حسن زينب عمر نور يوسف ليلى خالد سارة إبراهيم هدى",
            "mohammed fatima ahmed mariam ali aisha hassan zainab omar nour yousef layla khaled sara ibrahim huda",
        ),
        syllables: NONE,
        surnames: (
            "العربي حداد خوري منصور الحسن السيد المصري التميمي القحطاني الشمري النجار سليمان",
            "alarabi haddad khoury mansour alhassan elsayed elmasry altamimi alqahtani alshammari najjar suleiman",
        ),
        stems: ("عبد أبو ابن آل", "abd abu ibn al"),
        endings: (
            "الله الرحمن الكريم العزيز القادر الحميد النور الخير",
            "allah alrahman alkarim alaziz alqader alhamid alnour alkhair",
        ),
        two_surnames: false,
        domains: "emirates.example.ae stc.example.sa",
    },
    Culture {
        share: 1,
        given: (
            "יוסף נועה דוד מרים משה תמר אברהם שרה שָׁלוֹם רחל",
            "yosef noa david miriam moshe tamar avraham sara shalom rachel",
        ),
        syllables: NONE,
        surnames: (
            "כהן לוי מזרחי פרץ ביטון דהן אברהם פרידמן",
            "cohen levi mizrahi peretz biton dahan avraham friedman",
        ),
        stems: NONE,
        endings: NONE,
        two_surnames: false,
        domains: "walla.example.il bezeq.example.net",
    },
];
